/** `fastify.engine` and `request.exchange`, as other plugins meet them. */
import { call, scenario, until } from '../helper.ts'

scenario('a request that is not proxied has no exchange, a proxied one has', async (s, t) => {
  const seen: boolean[] = []
  const gateway = await s.gateway([await s.origin()], {
    extend: (app) => {
      app.get('/own', async () => 'mine')
      app.addHook('onSend', async ({ exchange }) => { seen.push(exchange !== null) })
    }
  })
  await call(gateway.url, { path: '/own' })
  await call(gateway.url)
  t.same(seen, [false, true])
})

scenario('unused upstream connections are closed with the gateway', async (s, t) => {
  const origin = await s.origin()
  const gateway = await s.gateway([origin])
  await Promise.all([call(gateway.url), call(gateway.url), call(gateway.url)])
  t.equal(gateway.app.engine.connectionCount, 3)
  await gateway.app.close()
  t.equal(gateway.app.engine.connectionCount, 0)
  await until('the backend has seen it', () => origin.connections === 0)
})

scenario('an unused connection that the backend closes is forgotten', async (s, t) => {
  const origin = await s.origin()
  const gateway = await s.gateway([origin])
  await call(gateway.url)
  t.equal(gateway.app.engine.connectionCount, 1)
  origin.server.closeAllConnections()
  await until('it is forgotten', () => gateway.app.engine.connectionCount === 0)
  t.equal((await call(gateway.url, { method: 'POST' })).status, 200)
})
