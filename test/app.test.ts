/** The gateway as one application: what is there by itself, and what can be put into it. */
import t from 'tap'
import { createApp } from '../src/app.ts'
import { call, scenario, until } from './helper.ts'

t.test('it loads with the defaults, and takes nothing from the system before it listens', async (t) => {
  const app = createApp()
  t.teardown(() => app.close())
  await app.ready()
  t.same(app.pool.backends.map(({ url }) => url), ['http://localhost:8081', 'http://localhost:8082', 'http://localhost:8083'])
  t.same(app.config.PORT, 8080)
  t.not(app.admin, null)
  t.notOk(app.server.listening)
  t.same(process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')), [])
})

t.test('two gateways do not know each other', async (t) => {
  const [one, other] = [createApp({ env: { BACKENDS: 'http://127.0.0.1:1' } }), createApp({ env: { BACKENDS: 'http://127.0.0.1:2' } })]
  t.teardown(async () => { await Promise.all([one.close(), other.close()]) })
  await Promise.all([one.ready(), other.ready()])
  t.same([one, other].map(({ pool }) => pool.backends[0]?.url), ['http://127.0.0.1:1', 'http://127.0.0.1:2'])
})

scenario('inject proxies too, and starts no probes', async (s, t) => {
  const origin = await s.origin('a')
  const { app } = await s.load([origin])
  const { statusCode, body } = await app.inject({ url: '/x' })
  t.same([statusCode, body], [200, 'a'])
  const posted = await app.inject({ method: 'POST', url: '/y', payload: 'body' })
  t.equal(posted.statusCode, 200)
  t.equal(origin.probes, 0)
})

scenario('plugins of the embedding code are loaded before the proxy route', async (s, t) => {
  const order: string[] = []
  const gateway = await s.gateway([await s.origin()], {
    extend: async (app) => {
      order.push(`pool ${app.hasDecorator('pool')}`, `engine ${app.hasDecorator('engine')}`)
      app.decorate('answerToAll', 42)
      app.addHook('onRequest', async (request) => { order.push(`hook ${request.server.hasDecorator('answerToAll')}`) })
    }
  })
  await call(gateway.url)
  t.same(order, ['pool true', 'engine true', 'hook true'])
})

scenario('a request that comes while the gateway closes, on a connection that was open, is served', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.origin('a', (request, response) => {
    if (request.url === '/slow') void mayAnswer.then(() => response.end('slow'))
    else response.end('fast')
  })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/slow')
  await until('the request has arrived', () => origin.requests.length === 1)
  const closed = gateway.app.close()
  client.get('/fast')
  await until('the gateway has stopped to listen', () => !gateway.app.server.listening)
  letAnswer()
  t.equal((await client.answer()).body.toString(), 'slow')
  t.equal((await client.answer()).body.toString(), 'fast')
  await client.leave()
  await closed
})
