/** `fastify.config`: what is in force, and a start that a wrong value stops. */
import t from 'tap'
import { createApp } from '../../src/app.ts'
import { scenario } from '../helper.ts'

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
