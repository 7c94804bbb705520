/** ATTEMPT_TIMEOUT_MS: how long a backend may take to begin its answer, all things together. */
import { setTimeout as wait } from 'node:timers/promises'
import { afterBody, answer, answerInParts, answerTo, call, DeafListener, endInstead, never, open, parseObject, readAll, scenario, until, upgradeToEcho } from '../helper.ts'

/** Short enough for a test that waits for it. */
const SHORT = { ATTEMPT_TIMEOUT_MS: '100' }

scenario('a request to a slow backend goes elsewhere, below a second', async (s, t) => {
  const [slow, b] = [await s.scripted('slow', never), await s.scripted('b')]
  const gateway = await s.gateway([slow, b], { env: SHORT })
  const beganMs = performance.now()
  t.equal((await call(gateway.url)).text, 'b')
  t.ok(performance.now() - beganMs < 1_000)
  t.match(gateway.logs.of('proxy error'), [{ backend: slow.url, code: 'FL_ATTEMPT_TIMEOUT', retry: 'other-backend' }])
  t.match(gateway.app.pool.status().backends, [{ failures: 1 }, { failures: 0 }])
  await until('its connection is closed', () => slow.connections === 0)
})

scenario('when nobody is left, or the request may not be sent twice, it is a 504', async (s, t) => {
  const slow = await s.scripted('slow', never)
  const gateway = await s.gateway([slow], { env: SHORT })
  for (const method of ['GET', 'POST']) {
    const { status, text } = await call(gateway.url, { method })
    t.equal(status, 504)
    t.strictSame(parseObject(text), {
      statusCode: 504, code: 'FL_ATTEMPT_TIMEOUT', error: 'Gateway Timeout', message: 'The backend did not begin its answer within 100 ms (ATTEMPT_TIMEOUT_MS)'
    })
  }
})

scenario('each attempt has the time for itself', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('slow', never), await s.scripted('slow too', never), await s.scripted('slow as well', never)], { env: SHORT })
  t.equal((await call(gateway.url)).status, 504)
  t.match(gateway.logs.of('proxy error').map(({ code, retry }) => `${String(code)} ${String(retry)}`), ['FL_ATTEMPT_TIMEOUT other-backend', 'FL_ATTEMPT_TIMEOUT other-backend', 'FL_ATTEMPT_TIMEOUT no'])
})

scenario('the time for the connection is within it', async (s, t) => {
  const deaf = await DeafListener.start()
  s.atEnd(() => deaf.stop())
  const gateway = await s.gateway([deaf], { env: { ...SHORT, HEALTH_TIMEOUT_MS: '20' } })
  gateway.declareHealthy(deaf)
  t.equal(parseObject((await call(gateway.url)).text)['code'], 'FL_ATTEMPT_TIMEOUT')
})

scenario('an upload that the client sends slowly is not the backend\'s fault', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ body: 'thanks' })))
  const gateway = await s.gateway([origin], { env: SHORT })
  const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
  sent.write('first')
  await until('the attempt is in flight', () => gateway.inFlight === 1)
  // Longer than the deadline, which is what this is about.
  await wait(350)
  sent.end('last')
  t.equal(String(await readAll(await answerTo(sent))), 'thanks')
  t.match(gateway.app.pool.status().backends, [{ requests: 1, failures: 0 }])
})

scenario('a backend that stops to read an upload is at fault', async (s, t) => {
  const origin = await s.origin('a', () => {})
  const gateway = await s.gateway([origin], { env: SHORT })
  const sent = open(gateway.url, { method: 'PUT' })
  sent.end(Buffer.alloc(32 * 1024 * 1024))
  const response = await answerTo(sent)
  t.strictSame([response.statusCode, parseObject(String(await readAll(response)))['code']], [504, 'FL_ATTEMPT_TIMEOUT'])
  // It has not read that the connection is over.
  await origin.stop()
})

scenario('an answer that has begun may take any time', async (s, t) => {
  const origin = await s.scripted('a', answerInParts(slowly()))
  const gateway = await s.gateway([origin], { env: SHORT })
  t.equal((await call(gateway.url)).text, 'firstlast')
})

scenario('a tunnel may last for any time', async (s, t) => {
  const origin = await s.scripted('a', upgradeToEcho())
  const gateway = await s.gateway([origin], { env: SHORT })
  const client = await s.client(gateway)
  client.get('/', ['connection: Upgrade', 'upgrade: echo'])
  t.match((await client.head()).startLine, / 101 /)
  // Longer than the deadline, which is what this is about.
  await wait(350)
  client.send('ping')
  t.equal(String(await client.reader.exactly(4)), 'ping')
  t.strictSame([origin.requests.length, gateway.inFlight, gateway.logs.of('proxy error').length], [1, 1, 0])
  await client.leave()
})

scenario('what fails in another way before is told as that', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', endInstead('fin'))], { env: SHORT })
  t.equal(parseObject((await call(gateway.url)).text)['code'], 'FL_UPSTREAM_RESET')
})

async function * slowly (): AsyncGenerator<string> {
  yield 'first'
  await wait(350)
  yield 'last'
}
