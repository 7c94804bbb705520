import t from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import { healthFaults } from '../../src/config/health-faults.ts'

t.test('without keys of the probe, or with their defaults, there is no fault', async (t) => {
  t.strictSame(healthFaults({}), [])
  t.strictSame(healthFaults({ HEALTH_PROTOCOL: 'auto', HEALTH_METHOD: 'GET', HEALTH_PATH: '/health', HEALTH_HOST: '', HEALTH_HEADERS: '', HEALTH_STATUSES: '200', HEALTH_BODY: '', HEALTH_GRPC_SERVICE: '' }), [])
})

t.test('the faults of the fields are among the faults', async (t) => {
  t.match(healthFaults({ HEALTH_HEADERS: 'te: x; upgrade: y' }), [/^HEALTH_HEADERS: "te"/, /^HEALTH_HEADERS: "upgrade"/])
})

t.test('the host of the probe is a host, with or without a port', async (t) => {
  for (const host of ['shop.example', 'shop.example:8080', '127.0.0.1', '[::1]:80', 'under_score']) t.strictSame(healthFaults({ HEALTH_HOST: host }), [], host)
  for (const host of ['http://shop.example', 'a b', 'a,b', 'u@a', 'a:65536', '::1', 'a/b', ' ']) {
    t.strictSame(healthFaults({ HEALTH_HOST: host }), [`HEALTH_HOST: "${host}" is not a host: give one such as shop.example or shop.example:8080, or leave it empty`], host)
  }
})

t.test('the name of a service holds no blanks', async (t) => {
  t.strictSame(healthFaults({ HEALTH_GRPC_SERVICE: 'shop.v1.Orders' }), [])
  t.match(healthFaults({ HEALTH_GRPC_SERVICE: 'shop Orders' }), [/^HEALTH_GRPC_SERVICE: the name of a service holds no blanks/])
})

/** What is set, and the keys that mean nothing then. */
const MEANINGLESS: ReadonlyArray<readonly [protocol: string, keys: readonly string[]]> = [
  ['auto', []],
  ['http', ['HEALTH_GRPC_SERVICE']],
  ['grpc', ['HEALTH_BODY']],
  ['tcp', ['HEALTH_HOST', 'HEALTH_HEADERS', 'HEALTH_BODY', 'HEALTH_GRPC_SERVICE']]
]

for (const [protocol, keys] of MEANINGLESS) {
  t.test(`of what is set with ${protocol}, ${keys.join(', ') || 'nothing'} means nothing`, async (t) => {
    const env: Environment = { BACKENDS: 'h2c://a', HEALTH_PROTOCOL: protocol, HEALTH_HOST: 'a', HEALTH_HEADERS: 'a: b', HEALTH_BODY: 'ok', HEALTH_GRPC_SERVICE: 'a.B' }
    t.strictSame(healthFaults(env), keys.map((key) => `${key}: it means nothing with HEALTH_PROTOCOL=${protocol}: leave it empty, or change that`))
  })
}

t.test('an answer to HEAD has no body to look at', async (t) => {
  t.match(healthFaults({ HEALTH_METHOD: 'HEAD', HEALTH_BODY: 'ok' }), [/^HEALTH_BODY: there is no body to look at with HEALTH_METHOD=HEAD/])
  for (const method of ['GET', 'OPTIONS', 'POST']) t.strictSame(healthFaults({ HEALTH_METHOD: method, HEALTH_BODY: 'ok' }), [], method)
  t.strictSame(healthFaults({ HEALTH_METHOD: 'HEAD' }), [])
})

t.test('gRPC needs HTTP/2, at the backend or where its probe goes', async (t) => {
  const of = (backends: string): string[] => healthFaults({ HEALTH_PROTOCOL: 'grpc', BACKENDS: backends })
  t.strictSame(of('h2c://a,h2://b,http://c probe=h2c://c:9000'), [])
  t.strictSame(of('h2c://a,http://b,h2://c probe=https://c:9000/x'), ['http://b', 'https://c:9000/x']
    .map((url) => `HEALTH_PROTOCOL: "grpc" needs HTTP/2, which "${url}" of BACKENDS is not spoken to: give it as h2c:// or h2://, or take auto`))
  t.equal(healthFaults({ HEALTH_PROTOCOL: 'grpc' }).length, 3, 'the default backends speak HTTP/1.1')
})
