/** Requests that wait while all backends are full. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Environment } from '../../src/config/env-schema.ts'
import { RESULT_UNKNOWN } from '../../src/pool/policy.ts'
import { shutDown } from '../../src/shutdown.ts'
import { afterBody, type Answered, answer, call, closeOf, ErrorCode, http2Scenario, open, openStream, answerTo, parseObject, readAll, scenario, type Scenario, until, upgradeToEcho } from '../helper.ts'
import { Held, HeldGateway } from './held-backend.ts'

interface Full {
  readonly a: Held
  readonly held: HeldGateway
  /** The answer to `/0`, which has the place. */
  readonly first: Promise<Answered>
}

/** One backend with one place, which is taken. */
async function full (s: Scenario, env?: Environment): Promise<Full> {
  const a = await Held.start(s)
  const held = await HeldGateway.start(s, `${a.origin.url} max=1`, env)
  const first = call(held.gateway.url, { path: '/0' })
  await a.has('/0')
  return { a, held, first }
}

const told = ({ status, headers, text }: Answered): unknown[] => [status, parseObject(text)['code'], headers['retry-after']]

function declareDown ({ gateway }: HeldGateway, { origin }: Held): void {
  gateway.app.pool.verdicts.judge(gateway.backend(origin), false, 'declared by the test', Date.now())
}

scenario('those who wait are served in the order of their arrival, and one at a time', async (s, t) => {
  const { a, held, first } = await full(s)
  const answers = [first]
  for (const path of ['/1', '/2', '/3', '/4']) answers.push((await held.send(path)).answered)
  t.strictSame(a.seen, ['/0'])
  for (const path of ['/0', '/1', '/2', '/3', '/4']) {
    t.equal(held.gateway.inFlight, 1)
    await a.answer(path)
  }
  t.strictSame((await Promise.all(answers)).map(({ text }) => text), ['a/0', 'a/1', 'a/2', 'a/3', 'a/4'])
  t.strictSame(a.seen, ['/0', '/1', '/2', '/3', '/4'])
  t.match(held.gateway.app.pool.status().backends, [{ requests: 5, failures: 0 }])
})

scenario('a client that leaves gives its place up, and nobody is asked for it', async (s, t) => {
  const { a, held, first } = await full(s, { QUEUE_MAX: '1' })
  const client = await held.client('/1')
  await client.leave()
  t.match(await held.gateway.logs.wait('client gone'), [{ url: '/1', status: 499, backend: null, attempts: 0 }])
  const { answered } = await held.send('/2')
  await a.answer('/0')
  await a.answer('/2')
  t.strictSame([(await first).text, (await answered).text, a.seen], ['a/0', 'a/2', ['/0', '/2']])
})

http2Scenario('a client of HTTP/2 that resets its stream gives its place up', async (s, t) => {
  const { a, held, first } = await full(s, { QUEUE_MAX: '1' })
  const stream = openStream(await s.session(held.gateway), { path: '/1' })
  await held.arrived('/1')
  stream.close(ErrorCode.cancel)
  await closeOf(stream)
  await held.gateway.logs.wait('client gone')
  const { answered } = await held.send('/2')
  await a.answer('/0')
  await a.answer('/2')
  t.strictSame([(await first).text, (await answered).text, a.seen], ['a/0', 'a/2', ['/0', '/2']])
})

scenario('above QUEUE_MAX it is a 503 that says when to come again; who waits is not pushed out', async (s, t) => {
  const { a, held, first } = await full(s, { QUEUE_MAX: '1' })
  const { answered } = await held.send('/1')
  t.strictSame(told(await call(held.gateway.url, { path: '/2' })), [503, 'FL_BACKENDS_FULL', '1'])
  t.strictSame(told(await call(held.gateway.url, { path: '/3', method: 'POST', body: 'x' })), [503, 'FL_BACKENDS_FULL', '1'])
  await a.answer('/0')
  await a.answer('/1')
  t.strictSame([(await first).text, (await answered).text, a.seen], ['a/0', 'a/1', ['/0', '/1']])
})

scenario('QUEUE_MAX=0: it is a 503 at once', async (s, t) => {
  const { a, held, first } = await full(s, { QUEUE_MAX: '0' })
  t.strictSame(told(await call(held.gateway.url, { path: '/1' })), [503, 'FL_BACKENDS_FULL', '1'])
  await a.answer('/0')
  t.equal((await first).text, 'a/0')
})

scenario('who waits for longer than QUEUE_TIMEOUT_MS is told so, and is served no more', async (s, t) => {
  const { a, held, first } = await full(s, { QUEUE_TIMEOUT_MS: '60', QUEUE_MAX: '1' })
  t.strictSame(told(await call(held.gateway.url, { path: '/1' })), [503, 'FL_QUEUE_TIMEOUT', '1'])
  t.strictSame(told(await call(held.gateway.url, { path: '/2' })), [503, 'FL_QUEUE_TIMEOUT', '1'], 'its place in the queue is free again')
  await a.answer('/0')
  t.equal((await first).text, 'a/0')
  const { answered } = await held.send('/3')
  await a.answer('/3')
  t.strictSame([(await answered).text, a.seen], ['a/3', ['/0', '/3']])
})

scenario('REQUEST_TIMEOUT_MS holds while a request waits', async (s, t) => {
  const a = await Held.start(s)
  const { gateway } = await HeldGateway.start(s, `${a.origin.url} max=1`, { REQUEST_TIMEOUT_MS: '100', QUEUE_MAX: '1' })
  const backend = gateway.backend(a.origin)
  gateway.app.pool.begin(backend)
  for (const path of ['/1', '/2']) t.strictSame(told(await call(gateway.url, { path })), [504, 'FL_REQUEST_TIMEOUT', undefined])
  gateway.app.pool.ended(backend, NaN, RESULT_UNKNOWN)
  t.strictSame(a.seen, [])
})

scenario('a backend that comes up lets in who waits', async (s, t) => {
  const [a, b] = [await Held.start(s), await Held.start(s, 'b')]
  const held = await HeldGateway.start(s, `${a.origin.url} max=1, ${b.origin.url}`)
  declareDown(held, b)
  const first = call(held.gateway.url, { path: '/0' })
  await a.has('/0')
  const { answered } = await held.send('/1')
  held.gateway.declareHealthy(b.origin)
  await b.answer('/1')
  t.equal((await answered).text, 'b/1')
  await a.answer('/0')
  await first
})

scenario('when all go down who waits is told so at once', async (s, t) => {
  const { a, held, first } = await full(s)
  const waiting = [await held.send('/1'), await held.send('/2')]
  declareDown(held, a)
  for (const { answered } of waiting) t.strictSame(told(await answered), [502, 'FL_NO_BACKEND_AVAILABLE', undefined])
  await a.answer('/0')
  t.equal((await first).text, 'a/0')
})

scenario('a gateway that closes serves who waits', async (s, t) => {
  const { a, held, first } = await full(s)
  const { answered } = await held.send('/1')
  const closed = shutDown(held.gateway.app, 5_000)
  await a.answer('/0')
  await a.answer('/1')
  t.strictSame([(await first).text, (await answered).text, await closed], ['a/0', 'a/1', true])
})

scenario('who still waits when the time for that is over is cut', async (s, t) => {
  const { a, held, first } = await full(s)
  const client = await held.client('/1')
  const cut = t.rejects(first)
  t.equal(await shutDown(held.gateway.app, 100), false)
  await client.ended
  await cut
  await until('nothing is in flight', () => held.gateway.inFlight === 0)
  t.strictSame([a.seen, held.gateway.app.pool.counters.allRequests], [['/0'], 1], 'the room that the first one leaves is for nobody')
})

scenario('bodies that wait arrive whole, of whatever size, and however they come', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const a = await s.scripted('a', async (exchange) => {
    await mayAnswer
    await answer()(exchange)
  }, afterBody(answer({ body: 'thanks' })))
  const held = await HeldGateway.start(s, `${a.url} max=1`)
  const first = call(held.gateway.url)
  await until('the first has come', () => a.requests.length === 1)
  const bodies = [Buffer.from('small'), Buffer.alloc(64 * 1024, 'kept'), Buffer.alloc(3 * 1024 * 1024, 'large')]
  const answers = bodies.map((body, i) => call(held.gateway.url, { method: 'POST', path: `/${i}`, body }))
  const chunked = open(held.gateway.url, { method: 'POST', path: '/chunked', headers: { 'transfer-encoding': 'chunked' } })
  chunked.write('one')
  for (const path of ['/0', '/1', '/2', '/chunked']) await held.arrived(path)
  chunked.end('two')
  t.equal(a.requests.length, 1)
  letAnswer()
  t.strictSame((await Promise.all(answers)).map(({ text }) => text), ['thanks', 'thanks', 'thanks'])
  t.equal(String(await readAll(await answerTo(chunked))), 'thanks')
  await first
  for (const [i, body] of [...bodies, Buffer.from('onetwo')].entries()) {
    const target = i === bodies.length ? '/chunked' : `/${i}`
    t.ok((await a.requests.find((request) => request.target === target)?.body())?.equals(body), target)
  }
})

scenario('an upgrade waits for a place too, which its tunnel keeps; one whose client leaves does not take it', async (s, t) => {
  const a = await s.scripted('a', upgradeToEcho())
  const held = await HeldGateway.start(s, `${a.url} max=1`)
  const fields = ['connection: Upgrade', 'upgrade: echo']
  const [one, leaving, two] = [await held.client('/1', fields), await held.client('/2', fields), await held.client('/3', fields)]
  t.match((await one.head()).startLine, / 101 /)
  await leaving.leave()
  await held.gateway.logs.wait('client gone')
  t.equal(a.requests.length, 1)
  await one.leave()
  t.match((await two.head()).startLine, / 101 /)
  two.send('ping')
  t.equal(String(await two.reader.exactly(4)), 'ping')
  t.strictSame([a.requests.map(({ target }) => target), held.gateway.inFlight], [['/1', '/3'], 1])
  await two.leave()
})

for (const QUEUE_MAX of ['1', '10']) {
  scenario(`a retry that waits for the one backend that it has left holds nobody up whom others serve (QUEUE_MAX=${QUEUE_MAX})`, async (s, t) => {
    const a = await Held.start(s)
    const b = await s.origin('b', (request, response) => {
      if (request.url === '/fail') request.socket.destroy()
      else response.end('b')
    })
    const held = await HeldGateway.start(s, `${a.origin.url} max=1, ${b.url}`, { QUEUE_MAX })
    const first = call(held.gateway.url, { path: '/0' })
    await a.has('/0')
    const { answered } = await held.send('/fail')
    await held.gateway.logs.wait('proxy error')
    for (let i = 0; i < 5; i++) t.equal((await call(held.gateway.url, { path: '/b' })).text, 'b')
    t.strictSame(a.seen, ['/0'])
    await a.answer('/0')
    await a.answer('/fail')
    t.strictSame([(await first).text, (await answered).text], ['a/0', 'a/fail'])
  })
}

interface LastPlace {
  readonly a: Held
  readonly held: HeldGateway
  /** The answer to `/0`, which has it. */
  readonly first: Promise<Answered>
}

/** The one backend that a retry of `/fail` has left is full. */
async function lastPlaceTaken (s: Scenario, env: Environment): Promise<LastPlace> {
  const a = await Held.start(s)
  const failing = await s.origin('failing', ({ socket }) => { socket.destroy() })
  const held = await HeldGateway.start(s, `${a.origin.url} max=1, ${failing.url}`, { EJECT_FAILURES: '0', ...env })
  const first = call(held.gateway.url, { path: '/0' })
  await a.has('/0')
  return { a, held, first }
}

scenario('a retry that has waited until RETRY_TIMEOUT_MS is over is not sent', async (s, t) => {
  const { a, held, first } = await lastPlaceTaken(s, { RETRY_TIMEOUT_MS: '100' })
  const { answered } = await held.send('/fail')
  await held.gateway.logs.wait('proxy error')
  // Longer than others may begin, which is what this is about.
  await wait(150)
  await a.answer('/0')
  const { status, text } = await answered
  t.strictSame([status, parseObject(text)['code'], (await first).text, a.seen], [502, 'FL_UPSTREAM_RESET', 'a/0', ['/0']])
})

for (const [what, env, retry] of [['has nowhere to wait', { QUEUE_MAX: '0' }, 'no'], ['waits in vain', { QUEUE_TIMEOUT_MS: '10' }, 'other-backend']] as const) {
  scenario(`a retry that ${what} is not paid for`, async (s, t) => {
    const { a, held, first } = await lastPlaceTaken(s, { RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '1', ...env })
    for (let i = 0; i < 12; i++) await call(held.gateway.url, { path: '/fail' })
    t.strictSame(held.gateway.logs.of('proxy error').map((line) => line['retry']), Array.from({ length: 12 }, () => retry))
    await a.answer('/0')
    await first
    const again = call(held.gateway.url, { path: '/1' })
    await a.answer('/1')
    t.equal((await again).text, 'a/1')
  })
}

scenario('a retry whose client leaves the queue is not paid for', async (s, t) => {
  const { a, held, first } = await lastPlaceTaken(s, { RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '1' })
  const clients = await Promise.all(Array.from({ length: 10 }, async () => await s.client(held.gateway)))
  for (const client of clients) client.get('/fail')
  await held.gateway.logs.wait('proxy error', 10)
  await Promise.all(clients.map(async (client) => await client.leave()))
  await held.gateway.logs.wait('client gone', 10)
  const { answered } = await held.send('/fail')
  await held.gateway.logs.wait('proxy error', 11)
  await a.answer('/0')
  await a.answer('/fail')
  t.strictSame([(await first).text, (await answered).text], ['a/0', 'a/fail'])
})
