/** `fastify.intake`: the configuration arrives where connections come in. */
import { call, http2Call, http2Scenario, openSession, until } from '../helper.ts'

http2Scenario('it knows how many connections are open', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')])
  t.equal(gateway.app.intake.size, 0)
  const [client, session] = [await s.client(gateway), await s.session(gateway)]
  await until('both have come', () => gateway.app.intake.size === 2)
  await client.leave()
  session.close()
  await until('both have left', () => gateway.app.intake.size === 0)
})

http2Scenario('connections that say nothing end with the gateway', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')])
  const silent = await s.client(gateway)
  await until('it has come', () => gateway.app.intake.size === 1)
  await gateway.app.close()
  await silent.ended
  t.equal(gateway.app.intake.size, 0)
})

http2Scenario('requests of HTTP/2 meet the same limits and the same timeouts as all others', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { HTTP2_MAX_STREAMS: '7', MAX_HEADERS: '8', MAX_HEADER_BYTES: '2000', MAX_TARGET_BYTES: '100' } })
  const session = await s.session(gateway)
  t.equal((await http2Call(session)).status, 200)
  t.match(session.remoteSettings, { maxConcurrentStreams: 7, maxHeaderListSize: 12_904, enablePush: false, enableConnectProtocol: false })
  t.equal((await http2Call(session, { path: `/${'x'.repeat(100)}` })).status, 414)
  t.equal((await http2Call(session, { fields: Array.from({ length: 18 }, (_, i) => `x-${i}`) })).status, 431)
})

http2Scenario('more fields than Node takes by itself are served where MAX_HEADERS allows them', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { MAX_HEADERS: '300' } })
  t.equal((await http2Call(await s.session(gateway), { fields: Array.from({ length: 2 * 290 }, (_, i) => `x-${i}`) })).status, 200)
})

http2Scenario('HTTP2=off leaves HTTP/1 alone', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { HTTP2: 'off' } })
  t.equal((await call(gateway.url)).status, 200)
  const session = await openSession(gateway.url)
  await t.rejects(http2Call(session))
})

http2Scenario('inject() needs no connection', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { extend: (app) => { app.get('/own', async () => 'mine') } })
  t.equal((await gateway.app.inject('/own')).body, 'mine')
  t.equal(gateway.app.intake.size, 0)
})
