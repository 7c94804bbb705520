/** TLS to backends as it is configured: whom to trust, what name to ask for, what to show, and what not to verify. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import { call, Gateway, hasOpenssl, http2Call, http2Scenario, makeCa, parseObject } from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const pki = t.testdir()
const root = makeCa(pki, 'root')
const other = makeCa(pki, 'other')
const loopback = root.issue({ name: 'loopback', ipAddresses: ['127.0.0.1'] })
const named = root.issue({ name: 'named', dnsNames: ['backend.internal'] })
const gatewayCertificate = root.issue({ name: 'the gateway', client: true })

const TRUSTING = { UPSTREAM_TLS_CA_FILE: root.certFile }
const NAMED = { ...TRUSTING, UPSTREAM_TLS_SERVERNAME: 'backend.internal' }
const SHOWING = { ...TRUSTING, UPSTREAM_TLS_CERT_FILE: gatewayCertificate.certFile, UPSTREAM_TLS_KEY_FILE: gatewayCertificate.keyFile }

/** Backends that ask for a certificate of the same authority. */
const DEMANDING = { requestCert: true, rejectUnauthorized: true, ca: root.cert }

const LOUD = 'TLS IS NOT VERIFIED for this backend (DANGEROUSLY_UNVERIFIED_BACKENDS): anybody in between can read and change what goes there'

http2Scenario('UPSTREAM_TLS_CA_FILE: backends of that authority are served, over HTTP/1.1 and HTTP/2', async (s, t) => {
  const [https, h2] = [await s.httpsOrigin('a', loopback), await s.http2Origin('b', undefined, { secure: loopback })]
  const gateway = await s.gateway([https, h2], { env: TRUSTING })
  t.match(gateway.app.pool.status().backends, [{ healthy: true, reason: 'answered 200' }, { healthy: true, reason: 'answered 200' }])
  t.same([(await call(gateway.url)).text, (await call(gateway.url)).text, (await call(gateway.url)).text], ['a', 'b', 'a'])
  t.equal(https.requests[0]?.servername, undefined, 'an address is not asked for by name (RFC 6066, section 3)')
})

http2Scenario('a backend of another authority: the probe says why, and requests get a 502', async (s, t) => {
  const [https, h2] = [await s.httpsOrigin('a', loopback), await s.http2Origin('b', undefined, { secure: loopback })]
  const gateway = await s.gateway([https, h2], { env: { UPSTREAM_TLS_CA_FILE: other.certFile } })
  for (const { healthy, reason } of gateway.app.pool.status().backends) t.match({ healthy, reason }, { healthy: false, reason: /UNABLE_TO_VERIFY_LEAF_SIGNATURE/ })
  for (const backend of [https, h2]) gateway.declareHealthy(backend)
  t.match(parseObject((await call(gateway.url, { method: 'POST', body: 'secret' })).text), { statusCode: 502, code: 'FL_UPSTREAM_CONNECT_FAILED' })
  for (const { cause } of gateway.logs.of('proxy error')) t.match(cause, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/)
  t.equal(gateway.logs.of('proxy error').length, 2, 'a POST that was not sent goes to the other one')
  t.same([https.requests.length, h2.requests.length, https.probes, h2.probes], [0, 0, 0, 0])
})

http2Scenario('UPSTREAM_TLS_SERVERNAME is the name that is asked for and verified', async (s, t) => {
  const [good, bad] = [await s.httpsOrigin('good', named), await s.httpsOrigin('bad', loopback)]
  const gateway = await s.gateway([good, bad], { env: NAMED })
  t.match(gateway.app.pool.status().backends, [{ healthy: true }, { healthy: false, reason: /ERR_TLS_CERT_ALTNAME_INVALID/ }])
  t.equal((await call(gateway.url)).text, 'good')
  t.match(good.requests, [{ servername: 'backend.internal', headers: { host: /^127\.0\.0\.1:/ } }])
})

http2Scenario('a name of the backend\'s URL is asked for', async (s, t) => {
  const origin = await s.httpsOrigin('a', root.issue({ name: 'localhost', dnsNames: ['localhost'] }))
  const gateway = await s.gateway([{ url: `https://localhost:${origin.port}` }], { env: TRUSTING })
  t.equal((await call(gateway.url)).text, 'a')
  t.equal(origin.requests[0]?.servername, 'localhost')
})

http2Scenario('UPSTREAM_TLS_CERT_FILE is shown to backends that ask for it, also to probes\' connections', async (s, t) => {
  const [https, h2] = [await s.httpsOrigin('a', { ...loopback, ...DEMANDING }), await s.http2Origin('b', undefined, { secure: { ...loopback, ...DEMANDING } })]
  const gateway = await s.gateway([https, h2], { env: SHOWING })
  t.match(gateway.app.pool.status().backends, [{ healthy: true }, { healthy: true }])
  t.same([(await call(gateway.url)).text, (await call(gateway.url)).text], ['a', 'b'])
  t.equal(https.requests[0]?.gateway, 'the gateway')
})

http2Scenario('without a certificate the probe of a backend that demands one says so', async (s, t) => {
  const origin = await s.httpsOrigin('a', { ...loopback, ...DEMANDING })
  const gateway = await s.gateway([origin], { env: TRUSTING })
  t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /certificate.required|CERTIFICATE_REQUIRED/i }])
  t.equal((await call(gateway.url)).status, 502)
})

http2Scenario('DANGEROUSLY_UNVERIFIED_BACKENDS holds for the named backend alone, and is loud', async (s, t) => {
  const [unverified, h2, verified] = [await s.httpsOrigin('unverified', loopback), await s.http2Origin('h2', undefined, { secure: loopback }), await s.httpsOrigin('verified', loopback)]
  const gateway = await s.gateway([unverified, h2, verified], { env: { DANGEROUSLY_UNVERIFIED_BACKENDS: `${unverified.url}, ${h2.url}` } })
  t.match(gateway.app.pool.status().backends, [{ healthy: true }, { healthy: true }, { healthy: false, reason: /UNABLE_TO_VERIFY_LEAF_SIGNATURE/ }])
  t.match(gateway.logs.of(LOUD), [{ level: 40, backend: unverified.url }, { level: 40, backend: h2.url }])
  t.equal(gateway.logs.of(LOUD).length, 2)
  gateway.declareHealthy(verified)
  const texts: string[] = []
  for (let i = 0; i < 6; i++) texts.push((await call(gateway.url)).text)
  t.same([...new Set(texts)].toSorted(), ['h2', 'unverified'])
  t.equal(verified.requests.length, 0)
})

http2Scenario('without it nothing is said', async (s, t) => {
  const gateway = await s.gateway([await s.httpsOrigin('a', loopback)], { env: TRUSTING })
  t.equal(gateway.logs.of(LOUD).length, 0)
})

http2Scenario('later handshakes resume the session of the probe', async (s, t) => {
  const origin = await s.httpsOrigin('a', loopback)
  const reused: boolean[] = []
  origin.server.on('secureConnection', (socket) => { reused.push(socket.isSessionReused()) })
  const gateway = await s.gateway([origin], { env: TRUSTING })
  t.equal((await call(gateway.url)).text, 'a')
  t.same(reused, [false, true])
})

http2Scenario('clients of HTTP/2 and backends of HTTPS find each other', async (s, t) => {
  const gateway = await s.gateway([await s.httpsOrigin('a', loopback)], { env: TRUSTING })
  t.equal((await http2Call(await s.session(gateway))).text, 'a')
})

/** Each cannot be used. */
const FAULTS: ReadonlyArray<readonly [what: string, env: Environment, message: RegExp]> = [
  ['a CA file that is not there', { UPSTREAM_TLS_CA_FILE: '/nonexistent/ca.pem' }, /UPSTREAM_TLS_CA_FILE: .*\/nonexistent\/ca\.pem.*ENOENT/],
  ['a CA file without a certificate', { UPSTREAM_TLS_CA_FILE: written('empty.pem', '') }, /UPSTREAM_TLS_CA_FILE/],
  ['a CA file of something else', { UPSTREAM_TLS_CA_FILE: written('else.pem', 'not a certificate') }, /UPSTREAM_TLS_CA_FILE/],
  ['a certificate that is none', { UPSTREAM_TLS_CERT_FILE: written('none.pem', 'none'), UPSTREAM_TLS_KEY_FILE: loopback.keyFile }, /UPSTREAM_TLS_CERT_FILE/],
  ['a key of another certificate', { UPSTREAM_TLS_CERT_FILE: gatewayCertificate.certFile, UPSTREAM_TLS_KEY_FILE: loopback.keyFile }, /UPSTREAM_TLS_KEY_FILE/],
  ['a certificate without its key', { UPSTREAM_TLS_CERT_FILE: gatewayCertificate.certFile }, /UPSTREAM_TLS_KEY_FILE/],
  ['a key without its certificate', { UPSTREAM_TLS_KEY_FILE: gatewayCertificate.keyFile }, /UPSTREAM_TLS_CERT_FILE/],
  ['an address as the name to ask for', { UPSTREAM_TLS_SERVERNAME: '127.0.0.1' }, /UPSTREAM_TLS_SERVERNAME: "127\.0\.0\.1" is an address, not a name: leave it empty/],
  ['a blank as the name to ask for', { UPSTREAM_TLS_SERVERNAME: ' ' }, /UPSTREAM_TLS_SERVERNAME: " " is not the name of a host/],
  ['an unverified backend that is none of BACKENDS', { DANGEROUSLY_UNVERIFIED_BACKENDS: 'https://127.0.0.1:2' }, /DANGEROUSLY_UNVERIFIED_BACKENDS/],
  ['an unverified backend that is not a URL', { DANGEROUSLY_UNVERIFIED_BACKENDS: '127.0.0.1:1' }, /DANGEROUSLY_UNVERIFIED_BACKENDS/],
  ['an unverified backend without TLS', { DANGEROUSLY_UNVERIFIED_BACKENDS: 'http://127.0.0.1:1' }, /DANGEROUSLY_UNVERIFIED_BACKENDS/]
]

for (const [what, env, message] of FAULTS) {
  void t.test(`${what} stops the start`, async (t) => {
    await t.rejects(Gateway.load([{ url: 'https://127.0.0.1:1' }], { env }), { code: 'FL_CONFIG_INVALID', message })
  })
}

function written (name: string, text: string): string {
  const file = join(pki, name)
  writeFileSync(file, text)
  return file
}
