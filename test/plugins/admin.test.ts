/** The admin side: status, liveness and readiness apart from the proxied space. */
import { after, answer, call, parseObject, scenario, until } from '../helper.ts'

scenario('GET /-/status tells of every backend: health, in flight, totals, since when and why', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const [a, down] = [await s.scripted('a', answer(), after(mayAnswer, answer())), await s.refusing()]
  const before = Date.now()
  const gateway = await s.gateway([a, down], { admin: true })
  await call(gateway.url)
  const waiting = call(gateway.url)
  await until('the second request is in flight', () => a.requests.length === 2)

  const status = await call(`${gateway.adminUrl}/-/status`)
  t.equal(status.status, 200)
  t.match(status.headers['content-type'], /^application\/json/)
  const [sinceA, sinceDown] = gateway.app.pool.status().backends.map(({ since }) => since)
  t.match(sinceA, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.ok(Date.parse(sinceA ?? '') >= before)
  t.strictSame(JSON.parse(status.text), { pools: [{
    name: 'default',
    policy: 'round-robin',
    panicking: false,
    backends: [
      { url: a.url, state: 'up', weight: 1, priority: 0, healthy: true, inFlight: 1, requests: 2, failures: 0, retries: 0, since: sinceA, reason: 'answered 200' },
      { url: down.url, state: 'down', weight: 1, priority: 0, healthy: false, inFlight: 0, requests: 0, failures: 0, retries: 0, since: sinceDown, reason: `connect ECONNREFUSED 127.0.0.1:${down.port}` }
    ]
  }] })

  letAnswer()
  await waiting
  t.match(JSON.parse((await call(`${gateway.adminUrl}/-/status`)).text), { pools: [{ backends: [{ inFlight: 0, requests: 2 }, {}] }] })
})

scenario('GET /-/live answers 200 as long as the process runs', async (s, t) => {
  const gateway = await s.gateway([await s.refusing()], { admin: true })
  const live = await call(`${gateway.adminUrl}/-/live`)
  t.equal(live.status, 200)
  t.strictSame(JSON.parse(live.text), { status: 'live' })
})

scenario('GET /-/ready answers 200 once a backend is available', async (s, t) => {
  const gateway = await s.gateway([await s.origin(), await s.refusing()], { admin: true })
  const ready = await call(`${gateway.adminUrl}/-/ready`)
  t.equal(ready.status, 200)
  t.strictSame(JSON.parse(ready.text), { status: 'ready' })
})

scenario('GET /-/ready answers 503 with the reason while no request should come', async (s, t) => {
  const origin = await s.origin()
  origin.probeStatus = 500
  const gateway = await s.load([origin], { admin: true })
  await gateway.app.admin?.listen({ host: '127.0.0.1', port: 0 })
  const ready = async (): Promise<unknown> => {
    const { status, text } = await call(`${gateway.adminUrl}/-/ready`)
    return { code: status, body: parseObject(text) }
  }
  t.strictSame(await ready(), { code: 503, body: { status: 'not ready', reason: 'not listening yet' } })
  await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  await until('the first round of probes', () => gateway.app.pool.gate.isOpen)
  t.strictSame(await ready(), { code: 503, body: { status: 'not ready', reason: 'no backend of pool "default" is available' } })
})

scenario('while the gateway closes the admin side stays up and says so', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer()))
  const gateway = await s.gateway([origin], { admin: true })
  const waiting = call(gateway.url)
  await until('the request is in flight', () => origin.requests.length === 1)
  const { adminUrl } = gateway
  const closed = gateway.app.close()
  await until('not ready', async () => (await call(`${adminUrl}/-/ready`)).status === 503)
  t.strictSame(JSON.parse((await call(`${adminUrl}/-/ready`)).text), { status: 'not ready', reason: 'shutting down' })
  t.equal((await call(`${adminUrl}/-/live`)).status, 200)
  letAnswer()
  t.equal((await waiting).status, 200)
  await closed
  await t.rejects(call(`${adminUrl}/-/live`), { code: 'ECONNREFUSED' })
})

scenario('ADMIN_PORT=off leaves it away', async (s, t) => {
  const gateway = await s.load([{ url: 'http://127.0.0.1:1' }], { env: { ADMIN_PORT: 'off' } })
  t.equal(gateway.app.admin, null)
})

scenario('the paths of the admin side and of the probes are proxied like any other', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], { admin: true })
  for (const path of ['/health', '/-/status', '/-/live', '/-/ready']) t.equal((await call(gateway.url, { path })).text, 'a')
  t.same(origin.requests.map(({ url }) => url), ['/health', '/-/status', '/-/live', '/-/ready'])
})
