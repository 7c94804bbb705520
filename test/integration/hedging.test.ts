/** Slow requests that are sent to a second backend as well. */
import { call, ErrorCode, http2Scenario, parseObject, scenario, until } from '../helper.ts'
import { Held } from './held-backend.ts'
import { hedges, learn, race, racing, slowOne } from './racing.ts'

for (const [winner, loser] of [['a', 'b'], ['b', 'a']] as const) {
  scenario(`of the two that have a slow request ${winner} is faster: it answers, and the other one is let off`, async (s, t) => {
    const racers = await racing(s)
    const { gateway, a, b } = racers
    const { answered } = await race(racers)
    t.strictSame(gateway.app.pool.backends.map(({ inFlight }) => inFlight), [1, 1])
    await racers[winner].answer('/race')
    t.equal((await answered).text, `${winner}/race`)
    t.strictSame(hedges(gateway), [[b.origin.url, 2]])
    t.match(gateway.logs.of('request'), [{ backend: racers[winner].origin.url, attempts: 2, status: 200 }])
    t.equal(gateway.inFlight, 0)
    await racers[loser].lost('/race')
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }, { failures: 0 }])
    t.equal(gateway.logs.lines.filter(({ level }) => level > 30).length, 0)
    t.same([a, b].map(({ seen }) => seen.filter((path) => path === '/race').length), [1, 1])
  })
}

scenario('as long as too little is known nothing is sent twice', async (s, t) => {
  const [a, b] = [await Held.start(s), await Held.start(s, 'b')]
  const gateway = await s.gateway([a.origin, b.origin], { env: { HEDGING: 'on' } })
  await slowOne(t, gateway, a, b)
})

scenario('without HEDGING nothing is sent twice', async (s, t) => {
  const { gateway, a, b } = await racing(s, { HEDGING: 'off' })
  await slowOne(t, gateway, a, b)
})

for (const [what, env] of [['nothing in the retry budget', { RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '0' }], ['RETRY_MAX_ATTEMPTS=1', { RETRY_MAX_ATTEMPTS: '1' }]] as const) {
  scenario(`with ${what} nothing is sent twice`, async (s, t) => {
    const { gateway, a, b } = await racing(s, env)
    await slowOne(t, gateway, a, b)
  })
}

scenario('what is no GET or HEAD, or has a body, is sent once, however slow it is', async (s, t) => {
  const racers = await racing(s)
  const { gateway, a, b } = racers
  const others = [
    call(gateway.url, { method: 'POST', path: '/post', body: 'x' }),
    call(gateway.url, { method: 'GET', path: '/body', body: 'x', headers: { 'content-length': 1 } }),
    call(gateway.url, { method: 'DELETE', path: '/delete' })
  ]
  await until('they have come', () => ['/post', '/body', '/delete'].every((path) => [...a.seen, ...b.seen].includes(path)))
  // It comes last, and is slow first.
  const { answered } = await race(racers)
  t.same(['/post', '/body', '/delete'].map((path) => [...a.seen, ...b.seen].filter((seen) => seen === path).length), [1, 1, 1])
  await a.answer('/race')
  await answered
  for (const held of [a, b]) for (const path of ['/post', '/body', '/delete']) if (held.seen.includes(path)) await held.answer(path)
  t.same((await Promise.all(others)).map(({ status }) => status), [200, 200, 200])
})

scenario('how long a POST takes says nothing of a GET', async (s, t) => {
  const racers = await racing(s)
  const { gateway, a, b } = racers
  for (const held of [a, b]) held.isFast = true
  const agent = s.agent(50)
  for (const held of [a, b]) held.delayMs = 400
  await Promise.all(Array.from({ length: 100 }, (_, i) => call(gateway.url, { method: 'POST', path: `/slow/${i}`, agent })))
  for (const held of [a, b]) held.isFast = false
  const beganMs = performance.now()
  const { answered } = await race(racers)
  t.ok(performance.now() - beganMs < 300)
  await a.answer('/race')
  await answered
})

for (const [first, second] of [['a', 'b'], ['b', 'a']] as const) {
  scenario(`if ${first} fails the answer of ${second} is waited for`, async (s, t) => {
    const racers = await racing(s)
    const { gateway } = racers
    const { answered } = await race(racers)
    await racers[first].fail('/race')
    const url = racers[first].origin.url
    t.match(await gateway.logs.wait('proxy error'), [{ backend: url, code: 'FL_UPSTREAM_BAD_RESPONSE', retry: 'other-attempt' }])
    await racers[second].answer('/race')
    t.equal((await answered).text, `${second}/race`)
    t.match(gateway.logs.of('request'), [{ backend: racers[second].origin.url, attempts: 2 }])
    t.equal(gateway.backend({ url }).inFlight, 0)
    t.equal(gateway.app.pool.counters.failures(gateway.backend({ url }).slot), 1)
  })
}

scenario('a loser whose kept connection was closed is not blamed for it', async (s, t) => {
  const racers = await racing(s, { EJECT_FAILURES: '1' })
  const { gateway } = racers
  const { answered } = await race(racers)
  await racers.a.cut('/race')
  t.match(await gateway.logs.wait('proxy error'), [{ code: 'FL_UPSTREAM_RESET', retry: 'other-attempt' }])
  await racers.b.answer('/race')
  t.equal((await answered).text, 'b/race')
  t.match(gateway.app.pool.status().backends, [{ failures: 0 }, { failures: 0 }])
  t.equal(gateway.logs.of('backend is ejected').length, 0)
})

scenario('if both fail the client is told what the last one failed for', async (s, t) => {
  const racers = await racing(s)
  const { answered } = await race(racers)
  await racers.a.fail('/race')
  await racers.gateway.logs.wait('proxy error')
  await racers.b.fail('/race')
  const { status, text } = await answered
  t.strictSame([status, parseObject(text)['code']], [502, 'FL_UPSTREAM_BAD_RESPONSE'])
  t.same(racers.gateway.logs.of('proxy error').map(({ retry }) => retry), ['other-attempt', 'no'])
})

scenario('if both fail a third backend is asked', async (s, t) => {
  const c = await Held.start(s, 'c')
  c.isFast = true
  const racers = await racing(s, {}, [c.origin])
  c.isFast = false
  const left = new Set([racers.a, racers.b, c])
  const answered = call(racers.gateway.url, { path: '/race' })
  for (const failures of [1, 2]) {
    // Two have it at a time, as long as there are two.
    await until('they have come', () => [...left].filter(({ seen }) => seen.includes('/race')).length === (failures === 1 ? 2 : 1))
    for (const failing of [...left].filter(({ seen }) => seen.includes('/race')).slice(0, 1)) {
      await failing.fail('/race')
      left.delete(failing)
    }
    await racers.gateway.logs.wait('proxy error', failures)
  }
  for (const last of left) {
    await last.answer('/race')
    t.equal((await answered).text, `${last.origin.name}/race`)
  }
  t.equal(left.size, 1)
  t.equal(racers.gateway.inFlight, 0)
})

scenario('an answer of RETRY_STATUSES does not win', async (s, t) => {
  const racers = await racing(s, { RETRY_STATUSES: '503' })
  const { answered } = await race(racers)
  await racers.b.answer('/race', 503)
  t.match(await racers.gateway.logs.wait('answer refused'), [{ backend: racers.b.origin.url, status: 503, retry: 'other-backend' }])
  await racers.a.answer('/race')
  t.match(await answered, { status: 200, text: 'a/race' })
})

scenario('a client that leaves lets both off', async (s, t) => {
  const racers = await racing(s)
  const client = await s.client(racers.gateway)
  client.get('/race')
  for (const held of [racers.a, racers.b]) await held.has('/race')
  await client.leave()
  for (const held of [racers.a, racers.b]) await held.lost('/race')
  t.equal(racers.gateway.inFlight, 0)
  t.match(await racers.gateway.logs.wait('client gone'), [{ status: 499, attempts: 2 }])
})

scenario('REQUEST_TIMEOUT_MS ends both', async (s, t) => {
  const racers = await racing(s, { REQUEST_TIMEOUT_MS: '300' })
  const { answered } = await race(racers)
  const { status, text } = await answered
  t.strictSame([status, parseObject(text)['code'], racers.gateway.inFlight], [504, 'FL_REQUEST_TIMEOUT', 0])
  for (const held of [racers.a, racers.b]) await held.lost('/race')
})

scenario('the explanation names both', async (s, t) => {
  const racers = await racing(s, { EXPLAIN: 'on', TRUST_PROXY: '127.0.0.1' })
  const [a, b] = [racers.a.origin.url, racers.b.origin.url]
  const { answered } = await race(racers, '/race', { headers: { 'x-fastlancer-explain': '1' } })
  await racers.b.answer('/race')
  const { headers } = await answered
  t.equal(headers['x-fastlancer-attempts'], '2')
  t.match(parseObject(String(headers['x-fastlancer-explain'])), {
    picks: [{ picked: a }, { picked: b, leftOut: [{ backend: a, because: ['tried'] }] }],
    attempts: [{ backend: a, result: 'overtaken' }, { backend: b, result: '200' }]
  })
})

scenario('a client that keeps to its backend is not sent elsewhere', async (s, t) => {
  const { gateway, a, b } = await racing(s, { STICKY_COOKIE: 'to', STICKY_SECRET: 'a secret of the tests' })
  for (const held of [a, b]) held.isFast = true
  const cookies = (await call(gateway.url, { path: '/cookie' })).headers['set-cookie'] ?? []
  for (const held of [a, b]) held.isFast = false
  await slowOne(t, gateway, a, b, { cookie: cookies.map((cookie) => cookie.split(';')[0]).join() })
})

http2Scenario('over HTTP/2 the loser\'s stream is reset, and its session goes on', async (s, t) => {
  const [a, b] = [await s.http2Origin('a', ({ path, stream }) => { if (path !== '/race') answerOn(stream) }), await s.http2Origin('b')]
  const gateway = await s.gateway([a, b], { env: { HEDGING: 'on' } })
  await learn(s, gateway)
  const agent = s.agent()
  t.equal((await call(gateway.url, { path: '/race', agent })).text, 'b')
  t.equal(await a.requests.at(-1)?.closed, ErrorCode.cancel)
  t.equal(gateway.inFlight, 0)
  const before = a.requests.length
  for (let i = 0; i < 4; i++) t.equal((await call(gateway.url, { agent })).status, 200)
  t.ok(a.requests.length > before)
  t.equal(a.sessionsUsed.size, 1)
})

function answerOn (stream: { respond (): void, end (text: string): void }): void {
  stream.respond()
  stream.end('a')
}
