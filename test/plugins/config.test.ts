/** `fastify.config`: what is in force, and a start that a wrong value stops. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import config, { type ConfigOptions } from '../../plugins/config.ts'
import { createApp } from '../../src/app.ts'
import { CONFIG_KEYS, isNumeric } from '../../src/config/env-schema.ts'
import { Logs, scenario } from '../helper.ts'

/** The plugin on an application of its own, not loaded yet. */
function make (t: Test, options: ConfigOptions): { app: FastifyInstance, logs: Logs } {
  const logs = new Logs()
  const loggerInstance: FastifyBaseLogger = logs.logger
  const app = Fastify({ loggerInstance })
  t.teardown(() => app.close())
  app.register(config, options)
  return { app, logs }
}

/** The lines of the faults that stop a start. */
async function faultsOf (t: Test, options: ConfigOptions): Promise<string[]> {
  const { app } = make(t, options)
  const message = await app.ready().then(() => 'no fault', (error: unknown) => error instanceof Error && 'code' in error ? `${String(error.code)} ${error.message}` : String(error))
  const [head, ...lines] = message.split('\n')
  t.equal(head, 'FL_CONFIG_INVALID Invalid configuration:')
  return lines
}

scenario('what is set is in force, the rest has its default', async (s, t) => {
  const { app } = await s.load([{ url: 'http://127.0.0.1:1' }], { env: { HEALTH_RISE: '3', ACCESS_LOG: 'off', LOG_LEVEL: 'debug' } })
  t.match(app.config, { HEALTH_RISE: 3, ACCESS_LOG: 'off', LOG_LEVEL: 'debug', HEALTH_FALL: 1, UPSTREAM_CONNECT_TIMEOUT_MS: 5_000, PORT: 8080 })
  t.equal(app.log.level, 'debug')
})

t.test('variables of the process are not read', async (t) => {
  process.env['HEALTH_RISE'] = '9'
  t.teardown(() => { delete process.env['HEALTH_RISE'] })
  const app = createApp({ env: { ADMIN_PORT: 'off' } })
  t.teardown(() => app.close())
  await app.ready()
  t.equal(app.config.HEALTH_RISE, 1)
})

t.test('a wrong configuration fails the start with every fault, one a line', async (t) => {
  const app = createApp({
    env: { PORT: '70000', BACKENDS: 'http://a:1,ftp://b,http://a:1', ACCESS_LOG: 'maybe', HEALTH_INTERVAL: '5', BACKEND: 'http://c' }
  })
  t.teardown(() => app.close())
  const message = await app.ready().then(() => 'no fault', (error: unknown) => String(error))
  t.match(message, /FL_CONFIG_INVALID/)
  t.equal(message.split('\n').filter((line) => line.startsWith('  - ')).length, 6)
  for (const fault of [
    /PORT: "70000"/, /"ftp:\/\/b"/, /"http:\/\/a:1" is listed twice/, /ACCESS_LOG: "maybe"/, /HEALTH_INTERVAL: .*HEALTH_INTERVAL_MS/, /BACKEND: .*BACKENDS/
  ]) t.match(message, fault)
})

t.test('what is no whole number stops the start, each key with what to write', async (t) => {
  const keys = CONFIG_KEYS.filter(isNumeric)
  for (const text of ['Infinity', '-Infinity', '1e400', `1${'0'.repeat(400)}`, ' ', '', '0x10', ' 7 ', '1.5']) {
    const lines = await faultsOf(t, { env: Object.fromEntries(keys.map((key) => [key, text])) })
    t.strictSame(lines.map((line) => /^ {2}- (\w+): ".*" is not allowed: give a whole number from \d+ to \d+/.exec(line)?.[1]), keys, `"${text}"`)
  }
})

t.test('an empty word is refused as well, while an empty text is a value', async (t) => {
  const lines = await faultsOf(t, { env: { ACCESS_LOG: '', LOG_LEVEL: '', HOST: '', TRUST_PROXY: '', PLUGINS_DIR: '', UPSTREAM_TLS_SERVERNAME: '' } })
  t.match(lines, [/HOST: ""/, /ACCESS_LOG: ""/, /LOG_LEVEL: ""/])
  t.equal(lines.length, 3)
})

t.test('files that cannot be used are named beside all the other faults, each under its own key', async (t) => {
  const env = {
    PORT: 'x', TLS_MIN_VERSION: '1', TLS_CERT_FILES: '/nowhere/tls.crt', TLS_KEY_FILES: '/nowhere/tls.key', TLS_CLIENT_CA_FILE: '/nowhere/clients.pem',
    UPSTREAM_TLS_CA_FILE: '/nowhere/ca.pem', UPSTREAM_TLS_CERT_FILE: '/nowhere/up.crt', UPSTREAM_TLS_SERVERNAME: '::1', BACKEND: 'http://a'
  }
  const lines = await faultsOf(t, { env })
  t.match(lines, [
    /^ {2}- PORT: "x"/,
    /^ {2}- TLS_MIN_VERSION: "1"/,
    /^ {2}- UPSTREAM_TLS_SERVERNAME: "::1"/,
    /^ {2}- TLS_CERT_FILES: .*tls\.crt" cannot be read \(ENOENT\)/,
    /^ {2}- TLS_KEY_FILES: .*tls\.key" cannot be read \(ENOENT\)/,
    /^ {2}- TLS_CLIENT_CA_FILE: .*clients\.pem" cannot be read \(ENOENT\)/,
    /^ {2}- UPSTREAM_TLS_CERT_FILE: .*up\.crt" cannot be read \(ENOENT\)/,
    /^ {2}- UPSTREAM_TLS_CA_FILE: .*ca\.pem" cannot be read \(ENOENT\)/,
    /^ {2}- UPSTREAM_TLS_CERT_FILE and UPSTREAM_TLS_KEY_FILE belong together/,
    /^ {2}- BACKEND: there is no such key: did you mean BACKENDS\?/
  ])
  t.equal(lines.length, 10)
})

t.test('lists of files without a file, or not as many of each, stop the start', async (t) => {
  t.match(await faultsOf(t, { env: { TLS_CERT_FILES: ' ,', TLS_KEY_FILES: ',' } }), [/^ {2}- TLS_CERT_FILES: no certificate file is named/])
  t.match(await faultsOf(t, { env: { TLS_KEY_FILES: '/nowhere/tls.key' } }), [/TLS_KEY_FILES: /, /TLS_CERT_FILES and TLS_KEY_FILES belong together/])
})

t.test('a .env that cannot be read stops the start, beside the other faults', async (t) => {
  const lines = await faultsOf(t, { env: { PORT: 'x' }, envFile: { variables: {}, fault: '.env: cannot be read' } })
  t.match(lines, ['  - .env: cannot be read', /PORT: "x"/])
  t.equal(lines.length, 2)
})

t.test('keys of .env that look like ours stop the start; the others are warned of, once and together', async (t) => {
  const variables = { MAX_BODY_SIZE: '1', COMPOSE_PROJECT_NAME: 'shop', POSTGRES_PASSWORD: 'secret' }
  t.strictSame(await faultsOf(t, { env: variables, envFile: { variables } }), ['  - MAX_BODY_SIZE: there is no such key: did you mean MAX_BODY_BYTES?'])
  const { MAX_BODY_SIZE: _, ...others } = variables
  const { app, logs } = make(t, { env: { ...others, HOME: '/', LOG_LEVEL: 'warn' }, envFile: { variables: others } })
  await app.ready()
  t.match(logs.lines, [{ level: 40, keys: ['COMPOSE_PROJECT_NAME', 'POSTGRES_PASSWORD'], msg: 'keys of .env that mean nothing to the gateway' }])
  t.equal(logs.lines.length, 1)
  t.notMatch(JSON.stringify(logs.lines), /secret/)
})

t.test('without a .env nobody is warned of the keys of the environment', async (t) => {
  const { app, logs } = make(t, { env: { COMPOSE_PROJECT_NAME: 'shop', MAX_BODY_SIZE: '1' } })
  await app.ready()
  t.strictSame(logs.lines, [])
})
