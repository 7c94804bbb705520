/** What is logged of requests: one line for each, one for each failed attempt, and nothing twice. */
import { after, afterBody, answer, call, cutBody, endInstead, type LogLine, never, scenario, sendBytes, upgradeToEcho, until } from '../helper.ts'

scenario('one line a request, with client, backend, attempts, status, bytes and times', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ status: 201, body: 'created' })))
  const gateway = await s.gateway([origin])
  await call(gateway.url, { method: 'POST', path: '/orders?draft=1', body: 'four' })
  const [line, ...others] = await gateway.logs.wait('request')
  t.same(others, [])
  const { pid, hostname, time, reqId, ms, upstreamMs, ...facts }: Partial<LogLine> = line ?? {}
  t.strictSame(facts, {
    level: 30,
    msg: 'request',
    method: 'POST',
    url: '/orders?draft=1',
    status: 201,
    client: '127.0.0.1',
    backend: origin.url,
    attempts: 1,
    requestBytes: 4,
    responseBytes: 7
  })
  t.type(pid, 'number')
  t.type(hostname, 'string')
  t.type(time, 'number')
  t.match(reqId, /^[0-9a-f]{8}-\d+$/)
  t.ok(Number(ms) > 0)
  t.ok(Number(upstreamMs) > 0 && Number(upstreamMs) <= Number(ms))
})

scenario('each request has an id of its own, on all of its lines', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', endInstead('fin'), answer()), await s.scripted('b')])
  await call(gateway.url)
  await call(gateway.url)
  const requests = await gateway.logs.wait('request', 2)
  t.equal(new Set(requests.map(({ reqId }) => reqId)).size, 2)
  t.equal(gateway.logs.of('proxy error')[0]?.reqId, requests[0]?.reqId)
})

scenario('a failed attempt is logged with backend, attempt, code, cause and what follows', async (s, t) => {
  const [refusing, bad] = [await s.refusing(), await s.scripted('bad', endInstead('fin'))]
  const gateway = await s.gateway([refusing, bad])
  gateway.declareHealthy(refusing)
  await call(gateway.url)
  t.match(gateway.logs.of('proxy error'), [
    { level: 40, backend: refusing.url, attempt: 1, code: 'FL_UPSTREAM_CONNECT_FAILED', cause: `connect ECONNREFUSED 127.0.0.1:${refusing.port}`, retry: 'other-backend' },
    { level: 40, backend: bad.url, attempt: 2, code: 'FL_UPSTREAM_RESET', cause: 'closed before the answer', retry: 'no' }
  ])
  t.match(await gateway.logs.wait('request'), [{ status: 502, backend: bad.url, attempts: 2, upstreamMs: null }])
})

scenario('an error of the gateway is logged in a sentence, without a stack', async (s, t) => {
  const gateway = await s.gateway([await s.refusing()])
  await call(gateway.url)
  await gateway.logs.wait('request')
  const said = gateway.logs.lines.filter(({ code }) => code === 'FL_NO_BACKEND_AVAILABLE')
  t.match(said, [{ level: 40, status: 502, msg: /^No backend of pool "default" is available: / }])
  t.notMatch(JSON.stringify(gateway.logs.lines), /"stack"|node_modules/)
})

scenario('an error of a hook is logged with its stack', async (s, t) => {
  const gateway = await s.gateway([await s.origin()], { extend: (app) => { app.addHook('onRequest', async () => { throw new Error('broken hook') }) } })
  await call(gateway.url)
  await gateway.logs.wait('request')
  t.match(gateway.logs.lines.filter(({ level }) => level === 50), [{ err: { message: 'broken hook', stack: /request-log\.test/ } }])
})

scenario('a client that leaves before its answer is logged as 499, once', async (s, t) => {
  const origin = await s.scripted('a', never, answer())
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/long')
  await until('the request has arrived', () => origin.requests.length === 1)
  await client.leave()
  t.match(await gateway.logs.wait('client gone'), [{ level: 30, method: 'GET', url: '/long', status: 499, backend: origin.url, attempts: 1, upstreamMs: null }])
  await call(gateway.url)
  await gateway.logs.wait('request')
  t.equal(gateway.logs.lines.filter(({ url }) => url === '/long').length, 1)
})

scenario('an answer that was cut is logged with the status that the client saw, once', async (s, t) => {
  const { promise: moment, resolve: endNow } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', cutBody('part', 100, 'fin', moment))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/cut')
  await client.reader.upTo('part')
  endNow()
  await client.ended
  t.match(await gateway.logs.wait('answer cut'), [{ status: 200, url: '/cut', responseBytes: 4, backend: origin.url }])
  t.equal(gateway.logs.lines.filter(({ url }) => url === '/cut').length, 1)
  t.same(gateway.logs.lines.filter(({ reqId }) => reqId !== undefined).map(({ msg }) => msg), ['proxy error', 'answer cut'])
})

scenario('a tunnel is logged when it is closed, with what went through', async (s, t) => {
  const origin = await s.scripted('a', upgradeToEcho())
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/tunnel', ['connection: upgrade', 'upgrade: echo'])
  await client.head()
  client.send('12345')
  await client.reader.exactly(5)
  t.equal(gateway.logs.lines.filter(({ url }) => url === '/tunnel').length, 0)
  await client.leave()
  t.match(await gateway.logs.wait('tunnel closed'), [{ status: 101, url: '/tunnel', backend: origin.url, attempts: 1, requestBytes: 5, responseBytes: 5 }])
  t.equal(gateway.logs.lines.filter(({ url }) => url === '/tunnel').length, 1)
})

scenario('ACCESS_LOG=off: no line a request, but failures are told', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', endInstead('fin'), after(mayAnswer, answer()))
  const gateway = await s.gateway([origin, await s.scripted('b')], { env: { ACCESS_LOG: 'off' } })
  await call(gateway.url)
  await call(gateway.url)
  const client = await s.client(gateway)
  client.get('/')
  await until('the request has arrived', () => origin.requests.length === 2)
  await client.leave()
  await until('nothing in flight', () => gateway.inFlight === 0)
  letAnswer()
  t.equal(gateway.logs.lines.filter(({ method }) => method !== undefined).length, 0)
  t.equal(gateway.logs.of('proxy error').length, 1)
})

scenario('LOG_LEVEL is the least level that is logged', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', endInstead('fin'), sendBytes('rubbish\r\n\r\n'))], { env: { LOG_LEVEL: 'warn' } })
  await call(gateway.url)
  t.same(gateway.logs.lines.filter(({ level }) => level < 40), [])
  t.equal(gateway.logs.of('proxy error').length, 1)
})

scenario('a route of the user\'s own is logged without a backend', async (s, t) => {
  const gateway = await s.gateway([await s.origin()], { extend: (app) => { app.get('/own', async () => 'mine') } })
  await call(gateway.url, { path: '/own' })
  const [line] = await gateway.logs.wait('request')
  t.match(line, { method: 'GET', url: '/own', status: 200, client: '127.0.0.1' })
  t.equal(line !== undefined && 'backend' in line, false)
})
