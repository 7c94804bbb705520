/** What the keys of the probe do to running backends of every kind. */
import t from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import { answer, answerInParts, type Behaviour, endWithTrailers, Gateway, GrpcOrigin, hasOpenssl, type Http2Scenario, http2Scenario, makeCa, never, scenario, Serving, until } from '../helper.ts'

/** SERVING, as a message of gRPC. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1])

scenario('HEALTH_METHOD, HEALTH_PATH, HEALTH_HOST and HEALTH_HEADERS make the probe of a backend of HTTP/1.1', async (s, t) => {
  const origin = await s.scripted('a')
  const probes: string[] = []
  origin.onProbe = (exchange) => {
    probes.push(exchange.request.head.raw)
    return answer()(exchange)
  }
  const env = { HEALTH_METHOD: 'OPTIONS', HEALTH_PATH: '/up', HEALTH_HOST: 'shop.example', HEALTH_HEADERS: 'Authorization: Bearer x; accept: text/plain;;q=1' }
  await s.gateway([origin], { env })
  t.equal(probes[0], 'OPTIONS /up HTTP/1.1\r\nhost: shop.example\r\nuser-agent: fastlancer-probe\r\nauthorization: Bearer x\r\naccept: text/plain;q=1\r\n\r\n')
})

http2Scenario('they make that of a backend of HTTP/2 too', async (s, t) => {
  const origin = await s.http2Origin('a')
  const probes: Array<readonly string[]> = []
  const { onProbe } = origin
  origin.onProbe = (seen) => {
    probes.push(seen.rawHeaders)
    return onProbe(seen)
  }
  const env = { HEALTH_METHOD: 'POST', HEALTH_PATH: '/up', HEALTH_HOST: 'shop.example', HEALTH_HEADERS: 'authorization: Bearer x' }
  const gateway = await s.gateway([origin], { env })
  t.strictSame(probes[0], [':method', 'POST', ':scheme', 'http', ':authority', 'shop.example', ':path', '/up', 'user-agent', 'fastlancer-probe', 'authorization', 'Bearer x'])
  t.ok(gateway.backend(origin).healthy)
})

scenario('HEALTH_STATUSES are good, and no other; HEALTH_BODY has to be in the answer', async (s, t) => {
  const verdicts: ReadonlyArray<readonly [what: string, probe: Behaviour, healthy: boolean, reason: string]> = [
    ['204', answer({ status: 204 }), false, 'answered 204, without the text of HEALTH_BODY'],
    ['200 with the text', answer({ body: '{"status":"ok"}' }), true, 'answered 200'],
    ['200 with the text in two chunks', answerInParts(partsOf('{"status":', '"ok"}')), true, 'answered 200'],
    ['304', answer({ status: 304 }), false, 'answered 304, without the text of HEALTH_BODY'],
    ['200 with another text', answer({ body: '{"status":"failing"}' }), false, 'answered 200, without the text of HEALTH_BODY'],
    ['500 with the text', answer({ status: 500, body: '{"status":"ok"}' }), false, 'answered 500']
  ]
  const origins = await Promise.all(verdicts.map(async ([what, probe]) => {
    const origin = await s.scripted(what)
    origin.onProbe = probe
    return origin
  }))
  const gateway = await s.gateway(origins, { env: { HEALTH_STATUSES: '2xx, 304', HEALTH_BODY: '"status":"ok"' } })
  for (const [index, [what, , healthy, reason]] of verdicts.entries()) t.match(gateway.app.pool.backends[index], { healthy, reason }, what)
})

scenario('HEALTH_PROTOCOL=tcp: a connection that opens is good, and nothing is asked', async (s, t) => {
  const [mute, refusing] = [await s.scripted('mute'), await s.refusing()]
  mute.onProbe = never
  const gateway = await s.gateway([mute, refusing], { env: { HEALTH_PROTOCOL: 'tcp' } })
  t.match(gateway.app.pool.status().backends, [{ healthy: true, reason: 'the connection opened' }, { healthy: false, reason: /ECONNREFUSED/ }])
  t.equal(mute.probes, 0)
  await until('its connection has gone', () => mute.connections === 0)
})

scenario('probe=URL: the probe goes to another port, on a path of its own or HEALTH_PATH, and requests go to the backend', async (s, t) => {
  const [backend, other] = [await s.origin('backend'), await s.scripted('other')]
  const targets: string[] = []
  other.onProbe = (exchange) => {
    targets.push(exchange.request.target)
    return answer()(exchange)
  }
  for (const path of ['', '/healthz?deep=1']) {
    const gateway = await s.gateway([], { env: { BACKENDS: `${backend.url} probe=${other.url}${path}`, HEALTH_PATH: '/up' } })
    t.match(gateway.app.pool.status().backends, [{ url: backend.url, healthy: true }])
  }
  t.strictSame(targets, ['/up', '/healthz?deep=1'])
  t.equal(backend.probes, 0)
})

scenario('a backend whose probe goes elsewhere is as healthy as what is there', async (s, t) => {
  const [backend, other] = [await s.origin('backend'), await s.refusing()]
  const gateway = await s.gateway([], { env: { BACKENDS: `${backend.url} probe=${other.url}/x` } })
  t.match(gateway.app.pool.status().backends, [{ url: backend.url, healthy: false, reason: /ECONNREFUSED/ }])
})

scenario('HEALTH_DOWN_INTERVAL_MS: a backend that is down is probed sooner than others', async (s, t) => {
  const [up, down] = [await s.origin('up'), await s.origin('down')]
  down.probeStatus = 500
  const gateway = await s.gateway([up, down], { env: { HEALTH_INTERVAL_MS: '100000', HEALTH_DOWN_INTERVAL_MS: '10' } })
  await until('some probes', () => down.probes > 5)
  down.probeStatus = 200
  await until('it is back', () => gateway.backend(down).healthy)
  t.equal(up.probes, 1)
})

scenario('HEALTH_JITTER_RATIO: probes go on', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], { env: { HEALTH_INTERVAL_MS: '10', HEALTH_JITTER_RATIO: '0.5' } })
  await until('some probes', () => origin.probes > 5)
  t.ok(gateway.backend(origin).healthy)
})

http2Scenario('HEALTH_PROTOCOL=grpc asks for the service of HEALTH_GRPC_SERVICE, with the host and the fields of the probe', async (s, t) => {
  const origin = await s.http2Origin('a')
  const seen: Array<readonly [head: readonly string[], body: string]> = []
  origin.onProbe = async (probe) => {
    seen.push([probe.rawHeaders, (await probe.body()).toString('latin1')])
    probe.stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    endWithTrailers(probe.stream, { 'grpc-status': '0' }, SERVING)
  }
  const env = { HEALTH_PROTOCOL: 'grpc', HEALTH_GRPC_SERVICE: 'a.B', HEALTH_HOST: 'shop.example', HEALTH_HEADERS: 'authorization: Bearer x; content-type: text/plain' }
  const gateway = await s.gateway([origin], { env })
  t.match(gateway.backend(origin), { healthy: true, reason: 'answered SERVING' })
  t.strictSame(seen, [[[
    ':method', 'POST', ':scheme', 'http', ':authority', 'shop.example', ':path', '/grpc.health.v1.Health/Check',
    'content-type', 'application/grpc', 'user-agent', 'fastlancer-probe', 'authorization', 'Bearer x', 'te', 'trailers', 'content-length', '10'
  ], '\0\0\0\0\x05\n\x03a.B']])
})

http2Scenario('with HEALTH_PROTOCOL=grpc a server without a health service is not healthy; with auto it is', async (s, t) => {
  for (const [protocol, healthy] of [['grpc', [true, false, false]], ['auto', [true, false, true]]] as const) {
    const origins = await Promise.all([{ health: () => Serving.serving }, { health: () => Serving.notServing }, {}].map(async (options, index) => await grpcOrigin(s, `${index}`, options)))
    const gateway = await s.gateway(origins, { env: { HEALTH_PROTOCOL: protocol } })
    t.strictSame(gateway.app.pool.backends.map((backend) => backend.healthy), healthy, protocol)
  }
})

http2Scenario('with HEALTH_PROTOCOL=http a server that speaks gRPC alone is not healthy, unless its 415 is good', async (s, t) => {
  for (const [env, healthy] of [[{}, false], [{ HEALTH_STATUSES: '200,415' }, true]] as const) {
    const origin = await grpcOrigin(s, 'a', { health: () => Serving.serving })
    const gateway = await s.gateway([origin], { env: { HEALTH_PROTOCOL: 'http', ...env } })
    t.match(gateway.app.pool.status().backends, [{ healthy, reason: 'answered 415' }])
    t.equal(origin.checks, 0)
  }
})

if (hasOpenssl()) {
  const pki = t.testdir()
  const root = makeCa(pki, 'root')
  const loopback = root.issue({ name: 'loopback', ipAddresses: ['127.0.0.1'] })

  http2Scenario('HEALTH_PROTOCOL=tcp speaks TLS where the backend does, and verifies it', async (s, t) => {
    const [https, h2] = [await s.httpsOrigin('a', loopback), await s.http2Origin('b', undefined, { secure: loopback })]
    for (const [env, healthy] of [[{ UPSTREAM_TLS_CA_FILE: root.certFile }, true], [{}, false]] as const) {
      const gateway = await s.gateway([https, h2], { env: { HEALTH_PROTOCOL: 'tcp', ...env } })
      const reason = healthy ? 'the connection opened' : /UNABLE_TO_VERIFY_LEAF_SIGNATURE/
      t.match(gateway.app.pool.status().backends, [{ healthy, reason }, { healthy, reason }])
    }
    t.same([https.probes, h2.probes], [0, 0])
  })

  http2Scenario('probe=URL may be another scheme, and its TLS is verified, whatever is said of the backend\'s', async (s, t) => {
    const [backend, place] = [await s.httpsOrigin('backend', loopback), await s.httpsOrigin('place', loopback)]
    const plain = await s.origin('plain')
    for (const [env, healthy] of [[{ UPSTREAM_TLS_CA_FILE: root.certFile }, true], [{ DANGEROUSLY_UNVERIFIED_BACKENDS: backend.url }, false]] as const) {
      const gateway = await s.gateway([], { env: { BACKENDS: `${backend.url} probe=${place.url}/x, ${plain.url}`, ...env } })
      t.match(gateway.app.pool.status().backends, [{ healthy }, { healthy: true }])
    }
    t.equal(backend.probes, 0)
    t.equal(place.probes, 1)
  })
}

/** Each cannot be used. */
const FAULTS: ReadonlyArray<readonly [what: string, env: Environment, message: RegExp]> = [
  ['a status that is none', { HEALTH_STATUSES: '20' }, /HEALTH_STATUSES: "20" is not allowed: give comma-separated statuses and classes such as 200,204 or 2xx/],
  ['a method with a body', { HEALTH_METHOD: 'PUT' }, /HEALTH_METHOD: "PUT" is not allowed: give GET, HEAD, OPTIONS, POST/],
  ['a field of the connection', { HEALTH_HEADERS: 'connection: close' }, /HEALTH_HEADERS: "connection" belongs to the connection/],
  ['a host that is none', { HEALTH_HOST: 'a b' }, /HEALTH_HOST: "a b" is not a host/],
  ['gRPC over HTTP/1.1', { HEALTH_PROTOCOL: 'grpc' }, /HEALTH_PROTOCOL: "grpc" needs HTTP\/2/],
  ['a share above 1', { HEALTH_JITTER_RATIO: '2' }, /HEALTH_JITTER_RATIO: "2" is not allowed/],
  ['a probe without a URL', { BACKENDS: 'http://127.0.0.1:1 probe=/x' }, /BACKENDS: "http:\/\/127\.0\.0\.1:1" has probe=\/x: its URL is not a URL/]
]

for (const [what, env, message] of FAULTS) {
  void t.test(`${what} stops the start`, async (t) => {
    await t.rejects(Gateway.load([{ url: 'http://127.0.0.1:1' }], { env }), { code: 'FL_CONFIG_INVALID', message })
  })
}

async function grpcOrigin (s: Http2Scenario, name: string, options: Parameters<typeof GrpcOrigin.start>[1]): Promise<GrpcOrigin> {
  const started = await GrpcOrigin.start(name, options)
  s.atEnd(() => started.stop())
  return started
}

async function * partsOf (...parts: string[]): AsyncGenerator<string> {
  yield * parts
}
