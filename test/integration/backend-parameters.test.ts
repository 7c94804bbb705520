/** What is said of backends in BACKENDS, and POLICY, as clients see it: shares, groups, limits, panics and keys. */
import type { Test } from 'tap'
import { call, type Gateway, type HttpOrigin, parseObject, scenario, until } from '../helper.ts'

/** Names who serves so many requests, one after the other. */
async function served (gateway: Gateway, count: number, options: Parameters<typeof call>[1] = {}): Promise<string> {
  let names = ''
  for (let i = 0; i < count; i++) names += (await call(gateway.url, options)).text
  return names
}

/** How often each name stands in a text. */
const counts = (names: string): Record<string, number> => Object.fromEntries([...new Set(names)].toSorted().map((name) => [name, names.split(name).length - 1]))

function declareDown (gateway: Gateway, origin: HttpOrigin): void {
  gateway.app.pool.verdicts.judge(gateway.backend(origin), false, 'declared by the test', Date.now())
}

scenario('weighted-round-robin gives each backend exactly its share, and none its turns all at once', async (s, t) => {
  const [a, b, c] = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  const gateway = await s.gateway([], { env: { POLICY: 'weighted-round-robin', BACKENDS: `${a.url} weight=5, ${b.url} weight=3, ${c.url}` } })
  for (let round = 0; round < 3; round++) {
    const names = await served(gateway, 9)
    t.strictSame(counts(names), { a: 5, b: 3, c: 1 })
    t.notMatch(names, /aaa|bb/)
  }
})

scenario('the shares are exact for concurrent requests too, and among those that are left', async (s, t) => {
  const [a, b, c] = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  const gateway = await s.gateway([], { env: { POLICY: 'weighted-round-robin', BACKENDS: `${a.url} weight=5, ${b.url} weight=3, ${c.url}` } })
  const agent = s.agent(8)
  const answers = await Promise.all(Array.from({ length: 90 }, () => call(gateway.url, { agent })))
  t.strictSame(counts(answers.map(({ text }) => text).join('')), { a: 50, b: 30, c: 10 })
  declareDown(gateway, a)
  t.strictSame(counts(await served(gateway, 12)), { b: 9, c: 3 })
})

scenario('a backup steps in when the first one is down, and leaves when it is back', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([], { env: { BACKENDS: `${b.url} backup, ${a.url}` } })
  t.equal(await served(gateway, 4), 'aaaa')
  declareDown(gateway, a)
  t.equal(await served(gateway, 4), 'bbbb')
  gateway.declareHealthy(a)
  t.equal(await served(gateway, 4), 'aaaa')
})

scenario('a request that failed at the first one goes to the backup, before anything is found to be down', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([], { env: { BACKENDS: `${a.url}, ${b.url} backup` } })
  await a.stop()
  t.equal(await served(gateway, 2), 'bb')
  t.match(gateway.app.pool.status().backends, [{ requests: 2, failures: 2, healthy: true }, { requests: 2, failures: 0 }])
})

scenario('with PRIORITY_MIN_RATIO a backup joins in before the first group is gone', async (s, t) => {
  const [a, b, c] = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  const gateway = await s.gateway([], { env: { PRIORITY_MIN_RATIO: '0.6', BACKENDS: `${a.url}, ${b.url}, ${c.url} backup` } })
  t.strictSame(counts(await served(gateway, 4)), { a: 2, b: 2 })
  declareDown(gateway, a)
  t.strictSame(counts(await served(gateway, 4)), { b: 2, c: 2 })
})

scenario('with max=1 a second request at a time goes to the other backend; with both full, and QUEUE_MAX=0, it is a 503; room is found at once', async (s, t) => {
  const waiting = { a: new Array<() => void>(), b: new Array<() => void>() }
  const a = await s.origin('a', (_request, response) => { waiting.a.push(() => response.end('a')) })
  const b = await s.origin('b', (_request, response) => { waiting.b.push(() => response.end('b')) })
  for (const POLICY of ['round-robin', 'least-connections', 'consistent-hash']) {
    for (const left of [waiting.a, waiting.b]) left.length = 0
    const gateway = await s.gateway([], { env: { POLICY, QUEUE_MAX: '0', BACKENDS: `${a.url} max=1, ${b.url} max=1` } })
    const open = [call(gateway.url), call(gateway.url)]
    await until('each has one', () => waiting.a.length === 1 && waiting.b.length === 1)
    const refused = await call(gateway.url)
    const { statusCode, code } = parseObject(refused.text)
    t.strictSame([refused.status, statusCode, code], [503, 503, 'FL_BACKENDS_FULL'], POLICY)
    waiting.b[0]?.()
    await Promise.race(open)
    const next = call(gateway.url)
    await until('b has the next one', () => waiting.b.length === 2)
    for (const answer of [waiting.a[0], waiting.b[1]]) answer?.()
    t.strictSame((await Promise.all([...open, next])).map(({ text }) => text).toSorted(), ['a', 'b', 'b'])
    t.match(gateway.app.pool.status().backends, [{ requests: 1, failures: 0 }, { requests: 2, failures: 0 }])
  }
})

scenario('an attempt that fails, or whose client leaves, makes room too', async (s, t) => {
  const seen: string[] = []
  const a = await s.origin('a', (request, response) => {
    seen.push(request.url ?? '')
    if (request.url === '/cut') request.socket.destroy()
    else if (request.url !== '/silent') response.end('a')
  })
  const gateway = await s.gateway([], { env: { QUEUE_MAX: '0', BACKENDS: `${a.url} max=1` } })
  t.equal((await call(gateway.url, { path: '/cut' })).status, 502)
  t.equal(await served(gateway, 1), 'a')
  const client = await s.client(gateway)
  client.get('/silent')
  await until('it has come', () => seen.includes('/silent'))
  t.equal((await call(gateway.url)).status, 503)
  client.socket.destroy()
  await until('nothing is in flight', () => gateway.inFlight === 0)
  t.equal(await served(gateway, 1), 'a')
})

scenario('PANIC_RATIO: with too few left all are picked from, down or not; without it those that are left', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  for (const [ratio, names] of [['0.5', { a: 2, b: 2, c: 2 }], ['0', { c: 6 }]] as const) {
    const gateway = await s.gateway(origins, { env: { PANIC_RATIO: ratio } })
    for (const origin of origins.slice(0, 1)) declareDown(gateway, origin)
    t.strictSame(counts(await served(gateway, 6)), { b: 3, c: 3 })
    t.notOk(gateway.app.pool.status().panicking)
    for (const origin of origins.slice(1, 2)) declareDown(gateway, origin)
    t.strictSame(counts(await served(gateway, 6)), names)
    t.equal(gateway.app.pool.status().panicking, ratio !== '0')
  }
})

scenario('PANIC_RATIO: with nobody left requests are tried all the same', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  for (const [ratio, status] of [['1', 200], ['0', 502]] as const) {
    const gateway = await s.gateway(origins, { env: { PANIC_RATIO: ratio } })
    for (const origin of origins) declareDown(gateway, origin)
    t.equal((await call(gateway.url)).status, status)
  }
})

/** Each kind of key: requests that have the same one, of every other of which nothing is the same. */
const KEYS: ReadonlyArray<readonly [source: string, request: (key: number, i: number) => NonNullable<Parameters<typeof call>[1]>]> = [
  ['header:X-User', (key, i) => ({ path: `/${i}`, headers: { 'x-user': `user-${key}`, 'x-other': `${i}` } })],
  ['cookie:session', (key, i) => ({ path: `/${i}`, headers: { cookie: `a=${i}; session=${key}` } })],
  ['query:user', (key, i) => ({ path: `/${i}?i=${i}&user=${key}` })],
  ['path', (key, i) => ({ path: `/of/${key}?${i}` })],
  ['client', (key, i) => ({ path: `/${i}`, headers: { 'x-forwarded-for': `10.0.0.${key}` } })]
]

for (const [source, request] of KEYS) {
  scenario(`consistent-hash by ${source}: each key has its backend, also when another one goes, and all together have all backends`, async (s, t) => {
    const origins = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
    const env = { POLICY: 'consistent-hash', HASH_KEY: source, TRUST_PROXY: '127.0.0.1' }
    const gateway = await s.gateway(origins, { env })
    const ownersIn = async (one: Gateway): Promise<string[]> => await Promise.all(Array.from({ length: 30 }, async (_, key) => await ownerOf(t, one, (i) => request(key, i))))
    const owners = await ownersIn(gateway)
    t.strictSame([...new Set(owners)].toSorted(), ['a', 'b', 'c'])
    t.strictSame(await ownersIn(await s.gateway(origins, { env })), owners, 'another gateway agrees')
    for (const origin of origins.slice(1, 2)) declareDown(gateway, origin)
    const left = await ownersIn(gateway)
    t.ok(left.every((name, key) => name !== 'b' && (owners[key] === 'b' || owners[key] === name)))
  })
}

/** Who serves the requests of one key: always the same. */
async function ownerOf (t: Test, gateway: Gateway, request: (i: number) => NonNullable<Parameters<typeof call>[1]>): Promise<string> {
  const names = new Set<string>()
  for (let i = 0; i < 3; i++) names.add((await call(gateway.url, request(i))).text)
  t.equal(names.size, 1)
  return [...names].join()
}
