/** `fastify.tls`: made of the configuration, loud about what is not verified, and a start that broken files stop. */
import { join } from 'node:path'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import config from '../../plugins/config.ts'
import upstreamTls from '../../plugins/upstream-tls.ts'
import type { Environment } from '../../src/config/env-schema.ts'
import { Logs } from '../helper.ts'
import { hasOpenssl, makeCa } from '../kit/pki.ts'

/** The plugin on an application of its own, loaded. */
async function load (t: Test, env: Environment): Promise<{ app: FastifyInstance, logs: Logs }> {
  const logs = new Logs()
  const loggerInstance: FastifyBaseLogger = logs.logger
  const app = Fastify({ loggerInstance })
  t.teardown(() => app.close())
  app.register(config, { env: { BACKENDS: 'https://127.0.0.1:1,https://a.example,http://127.0.0.1:2', ...env } })
  app.register(upstreamTls)
  await app.ready()
  return { app, logs }
}

/** What a start that fails says. */
async function faultOf (t: Test, env: Environment): Promise<string> {
  return await load(t, env).then(() => 'no fault', (error: unknown) => String(error))
}

t.test('by default every backend is verified, under its own name, and nothing is said', async (t) => {
  const { app, logs } = await load(t, {})
  t.equal(app.tls.servername, undefined)
  t.same([app.tls.unverified.size, app.tls.sessions.size], [0, 0])
  t.same(logs.lines, [])
})

t.test('a name for all backends', async (t) => {
  t.equal((await load(t, { UPSTREAM_TLS_SERVERNAME: 'inner.example' })).app.tls.servername, 'inner.example')
})

t.test('backends that are not verified are named as the pool names them, each with a warning', async (t) => {
  const { app, logs } = await load(t, { DANGEROUSLY_UNVERIFIED_BACKENDS: 'https://A.example:443/, https://127.0.0.1:1' })
  t.same([...app.tls.unverified], ['https://a.example', 'https://127.0.0.1:1'])
  t.match(logs.lines, [
    { level: 40, backend: 'https://a.example', msg: /^TLS IS NOT VERIFIED .*DANGEROUSLY_UNVERIFIED_BACKENDS/ },
    { level: 40, backend: 'https://127.0.0.1:1', msg: /^TLS IS NOT VERIFIED / }
  ])
})

t.test('files that cannot be used stop the start: each fault names its key, its file and what to change', async (t) => {
  const folder = t.testdir({ 'empty.pem': '', 'text.pem': 'no certificate' })
  const notPem = 'is not in PEM, or is cut short: give whole certificates, each from -----BEGIN CERTIFICATE----- to its end line'
  const [missing, empty, text] = [join(folder, 'missing.pem'), join(folder, 'empty.pem'), join(folder, 'text.pem')]
  t.equal(await faultOf(t, { UPSTREAM_TLS_CA_FILE: missing }), 'FastifyError [FL_CONFIG_INVALID]: Invalid configuration:\n' +
    `  - UPSTREAM_TLS_CA_FILE: CA file "${missing}" cannot be read (ENOENT): give the path of a file that is there and that this user may read`)
  for (const path of [empty, text]) {
    t.equal(await faultOf(t, { UPSTREAM_TLS_CA_FILE: path }), `FastifyError [FL_CONFIG_INVALID]: Invalid configuration:\n  - UPSTREAM_TLS_CA_FILE: CA file "${path}" ${notPem}`)
  }
  t.equal(await faultOf(t, { UPSTREAM_TLS_CERT_FILE: text, UPSTREAM_TLS_KEY_FILE: text }), 'FastifyError [FL_CONFIG_INVALID]: Invalid configuration:\n' +
    `  - UPSTREAM_TLS_CERT_FILE: certificate file "${text}" ${notPem}\n` +
    `  - UPSTREAM_TLS_KEY_FILE: key file "${text}" holds no whole private key in PEM: give one that starts with -----BEGIN PRIVATE KEY-----`)
})

t.test('a name to ask for that no backend can have stops the start', async (t) => {
  for (const name of ['127.0.0.1', '::1', ' ', 'a b', 'a:443']) t.match(await faultOf(t, { UPSTREAM_TLS_SERVERNAME: name }), / {2}- UPSTREAM_TLS_SERVERNAME: .*leave it empty/, name)
})

t.test('certificates and keys that belong together are taken, others are not', { skip: hasOpenssl() ? false : 'openssl is not installed (apt-get install openssl)' }, async (t) => {
  const ca = makeCa(t.testdir(), 'ca')
  const [one, other] = [ca.issue({ name: 'one', client: true }), ca.issue({ name: 'other', client: true })]
  const env = { UPSTREAM_TLS_CA_FILE: ca.certFile, UPSTREAM_TLS_CERT_FILE: one.certFile }
  t.ok((await load(t, { ...env, UPSTREAM_TLS_KEY_FILE: one.keyFile })).app.tls.context)
  t.match(await faultOf(t, { ...env, UPSTREAM_TLS_KEY_FILE: other.keyFile }), / {2}- UPSTREAM_TLS_KEY_FILE: key file ".*" does not match the certificate in/)
  t.match(await faultOf(t, { UPSTREAM_TLS_CERT_FILE: one.certFile }), / {2}- UPSTREAM_TLS_CERT_FILE and UPSTREAM_TLS_KEY_FILE belong together \(certificate files: 1, key files: 0\): name one key file/)
  const weak = ca.issue({ name: 'weak', client: true, rsaBits: 1024 })
  t.match(await faultOf(t, { UPSTREAM_TLS_CERT_FILE: weak.certFile, UPSTREAM_TLS_KEY_FILE: weak.keyFile }), / {2}- UPSTREAM_TLS_CERT_FILE: .*key too small/)
})
