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

t.test('files that cannot be used stop the start: the keys are named, and the file', async (t) => {
  const folder = t.testdir({ 'empty.pem': '', 'text.pem': 'no certificate' })
  for (const file of ['missing.pem', 'empty.pem', 'text.pem']) {
    const path = join(folder, file)
    const message = await faultOf(t, { UPSTREAM_TLS_CA_FILE: path })
    t.match(message, /FL_CONFIG_INVALID.*\n {2}- UPSTREAM_TLS_CA_FILE/, file)
    t.ok(message.includes(path), message)
  }
  for (const [key, other] of [['UPSTREAM_TLS_CERT_FILE', 'UPSTREAM_TLS_KEY_FILE'], ['UPSTREAM_TLS_KEY_FILE', 'UPSTREAM_TLS_CERT_FILE']] as const) {
    t.match(await faultOf(t, { [key]: join(folder, 'text.pem'), [other]: join(folder, 'text.pem') }), /FL_CONFIG_INVALID.*\n {2}- .*UPSTREAM_TLS_CERT_FILE/, key)
  }
})

t.test('certificates and keys that belong together are taken, others are not', { skip: hasOpenssl() ? false : 'openssl is not installed (apt-get install openssl)' }, async (t) => {
  const ca = makeCa(t.testdir(), 'ca')
  const [one, other] = [ca.issue({ name: 'one', client: true }), ca.issue({ name: 'other', client: true })]
  const env = { UPSTREAM_TLS_CA_FILE: ca.certFile, UPSTREAM_TLS_CERT_FILE: one.certFile }
  t.ok((await load(t, { ...env, UPSTREAM_TLS_KEY_FILE: one.keyFile })).app.tls.context)
  t.match(await faultOf(t, { ...env, UPSTREAM_TLS_KEY_FILE: other.keyFile }), /FL_CONFIG_INVALID.*\n {2}- .*UPSTREAM_TLS_KEY_FILE/)
})
