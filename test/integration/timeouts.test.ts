/** Deadlines of the upstream side: connect, head of the answer, silence within it. */
import { setTimeout as wait } from 'node:timers/promises'
import { after, afterBody, answer, answerInParts, answerTo, call, DeafListener, never, open, readAll, scenario, type Scenario, sendBytes, until } from '../helper.ts'

/** Short enough for a test that waits for it. */
const SHORT_MS = '60'

scenario('a connection that does not open in time: 504', async (s, t) => {
  const deaf = await deafBackend(s)
  const gateway = await s.gateway([deaf], { env: { UPSTREAM_CONNECT_TIMEOUT_MS: SHORT_MS, HEALTH_TIMEOUT_MS: '20' } })
  t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: 'no answer within 20 ms' }])
  gateway.declareHealthy(deaf)
  const { status, headers, text } = await call(gateway.url)
  t.equal(status, 504)
  t.match(headers['content-type'], /^application\/json/)
  t.strictSame(JSON.parse(text), {
    statusCode: 504,
    code: 'FL_UPSTREAM_CONNECT_TIMEOUT',
    error: 'Gateway Timeout',
    message: 'The backend did not accept a connection within 60 ms (UPSTREAM_CONNECT_TIMEOUT_MS)'
  })
})

scenario('a POST whose connection does not open in time goes to another backend', async (s, t) => {
  const [deaf, b] = [await deafBackend(s), await s.origin('b')]
  const gateway = await s.gateway([deaf, b], { env: { UPSTREAM_CONNECT_TIMEOUT_MS: SHORT_MS, HEALTH_TIMEOUT_MS: '20' } })
  for (const backend of [deaf, b]) gateway.declareHealthy(backend)
  t.equal((await call(gateway.url, { method: 'POST', body: 'x' })).text, 'b')
})

scenario('a client that leaves while the connection opens ends that', async (s, t) => {
  const deaf = await deafBackend(s)
  const gateway = await s.gateway([deaf], { env: { HEALTH_TIMEOUT_MS: '20' } })
  gateway.declareHealthy(deaf)
  const client = await s.client(gateway)
  client.get('/')
  await until('the attempt is in flight', () => gateway.inFlight === 1)
  await client.leave()
  await until('the attempt is over', () => gateway.inFlight === 0, 1_000)
  t.equal(gateway.app.engine.connectionCount, 0)
})

scenario('an answer that does not begin in time: 504', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: SHORT_MS } })
  const { status, text } = await call(gateway.url)
  t.equal(status, 504)
  t.strictSame(JSON.parse(text), {
    statusCode: 504,
    code: 'FL_UPSTREAM_HEADERS_TIMEOUT',
    error: 'Gateway Timeout',
    message: 'The backend did not start to answer within 60 ms (UPSTREAM_HEADERS_TIMEOUT_MS)'
  })
  await until('its connection is closed', () => origin.connections === 0)
})

scenario('an interim answer is not the beginning of an answer', async (s, t) => {
  const origin = await s.scripted('a', sendBytes('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'))
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: SHORT_MS } })
  t.equal((await call(gateway.url)).status, 504)
})

scenario('after the time for the head a GET goes to another backend, a POST gets a 504', async (s, t) => {
  const [slow, b] = [await s.scripted('slow', never), await s.origin('b')]
  const gateway = await s.gateway([slow, b], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '150' } })
  t.equal((await call(gateway.url)).text, 'b')
  await call(gateway.url)
  t.equal((await call(gateway.url, { method: 'POST', body: 'x' })).status, 504)
  t.match(gateway.app.pool.status().backends, [{ requests: 2, failures: 2 }, { requests: 2, failures: 0 }])
})

scenario('a backend is not blamed for a client that takes its time to upload', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ body: 'thanks' })))
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '150' } })
  const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
  sent.write('first')
  await until('the attempt is in flight', () => gateway.inFlight === 1)
  // Longer than the deadline, which is what this is about.
  await wait(400)
  sent.end('last')
  t.equal(String(await readAll(await answerTo(sent))), 'thanks')
})

scenario('a backend that stops to read an upload, and says nothing: 504', async (s, t) => {
  const origin = await s.origin('a', () => {})
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '150' } })
  const sent = open(gateway.url, { method: 'PUT' })
  sent.end(Buffer.alloc(32 * 1024 * 1024))
  const response = await answerTo(sent)
  t.equal(response.statusCode, 504)
  t.match(JSON.parse(String(await readAll(response))), { code: 'FL_UPSTREAM_HEADERS_TIMEOUT' })
  t.equal(gateway.app.engine.connectionCount, 0)
  // It has not read that the connection is over.
  await origin.stop()
})

scenario('silence within an answer cuts it', async (s, t) => {
  const origin = await s.scripted('a', sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345'))
  const gateway = await s.gateway([origin], { env: { UPSTREAM_IDLE_TIMEOUT_MS: SHORT_MS } })
  const client = await s.client(gateway)
  client.get('/')
  t.match(await client.head(), { startLine: 'HTTP/1.1 200 OK' })
  await client.ended
  t.equal(client.reader.unread.toString(), '12345')
  t.match(gateway.logs.of('proxy error'), [{ code: 'FL_UPSTREAM_IDLE_TIMEOUT', retry: 'no' }])
  await until('its connection is closed', () => origin.connections === 0)
})

scenario('an answer may take any time as long as it does not fall silent', async (s, t) => {
  const origin = await s.scripted('a', answerInParts(ticking(12, 30)))
  const gateway = await s.gateway([origin], { env: { UPSTREAM_IDLE_TIMEOUT_MS: '300', UPSTREAM_HEADERS_TIMEOUT_MS: '300' } })
  t.equal((await call(gateway.url)).text, 'tick'.repeat(12))
})

scenario('a backend is not blamed for a client that takes its time to read', async (s, t) => {
  const body = Buffer.alloc(24 * 1024 * 1024, 'abcdefghijklmnopq')
  const origin = await s.origin('a', (_request, response) => { response.end(body) })
  const gateway = await s.gateway([origin], { env: { UPSTREAM_IDLE_TIMEOUT_MS: '200' } })
  const response = await answerTo(open(gateway.url).end())
  // Longer than the deadline, which is what this is about.
  await wait(500)
  t.ok((await readAll(response)).equals(body))
})

scenario('a slow head that comes in time is waited for', async (s, t) => {
  const origin = await s.scripted('a', after(wait(100), answer({ body: 'late' })))
  const gateway = await s.gateway([origin], { env: { UPSTREAM_IDLE_TIMEOUT_MS: '50' } })
  t.equal((await call(gateway.url)).text, 'late')
})

async function deafBackend (s: Scenario): Promise<DeafListener> {
  const deaf = await DeafListener.start()
  s.atEnd(() => deaf.stop())
  return deaf
}

async function * ticking (times: number, everyMs: number): AsyncGenerator<string> {
  for (let i = 0; i < times; i++) {
    await wait(everyMs)
    yield 'tick'
  }
}

scenario('after a pause of the gateway a backend is not blamed whose answer lies there unread', async (s, t) => {
  const origin = await s.scripted('a', async (exchange) => {
    await answer({ body: 'in time' })(exchange)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * Number(SHORT_MS))
  })
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: SHORT_MS } })
  for (let i = 0; i < 5; i++) t.equal((await call(gateway.url)).text, 'in time')
})
