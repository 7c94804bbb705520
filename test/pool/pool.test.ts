import t from 'tap'
import type { Backend } from '../../src/pool/backend.ts'
import { Board } from '../../src/pool/board.ts'
import { Counters } from '../../src/pool/counters.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { FRESH, madePool } from './made-pool.ts'

const STARTED_MS = Date.UTC(2030, 0, 1)
const LATER_MS = Date.UTC(2030, 0, 2, 3, 4, 5, 678)

/** A pool of three, with its backends by name. */
function threeBackends (): { pool: Pool, a: Backend, b: Backend, c: Backend } {
  const pool = madePool(['http://a', 'http://b', 'http://c'], { nowMs: STARTED_MS })
  const [a, b, c] = pool.backends
  if (a === undefined || b === undefined || c === undefined) throw new Error('the pool lacks a backend')
  return { pool, a, b, c }
}

const urls = (backends: readonly Backend[]): string[] => backends.map((backend) => backend.url)

t.test('backends that no probe has judged are available', async (t) => {
  const { pool } = threeBackends()
  t.strictSame(urls(pool.available), ['http://a', 'http://b', 'http://c'])
})

t.test('the first verdict is news, even if it is what was assumed', async (t) => {
  const { pool, a, b } = threeBackends()
  t.ok(pool.verdicts.judge(a, true, 'answered 200', LATER_MS))
  t.ok(pool.verdicts.judge(b, false, 'answered 500', LATER_MS))
})

t.test('a verdict that changes nothing is no news, and leaves time and reason as they were', async (t) => {
  for (const healthy of [true, false]) {
    const { pool, a } = threeBackends()
    pool.verdicts.judge(a, healthy, 'the first reason', STARTED_MS)
    t.notOk(pool.verdicts.judge(a, healthy, 'another reason', LATER_MS))
    t.match(a.status(), { healthy, reason: 'the first reason', since: '2030-01-01T00:00:00.000Z' })
  }
})

t.test('each change of health is news, with its time and reason', async (t) => {
  const { pool, a } = threeBackends()
  pool.verdicts.judge(a, true, 'answered 200', STARTED_MS)
  t.ok(pool.verdicts.judge(a, false, 'ECONNREFUSED', STARTED_MS))
  t.ok(pool.verdicts.judge(a, true, 'answered 200 again', LATER_MS))
  t.match(a.status(), { healthy: true, reason: 'answered 200 again', since: '2030-01-02T03:04:05.678Z' })
})

t.test('only healthy backends are available, in the order of the pool', async (t) => {
  const { pool, a, b } = threeBackends()
  pool.verdicts.judge(a, false, 'down', LATER_MS)
  t.strictSame(urls(pool.available), ['http://b', 'http://c'])
  pool.verdicts.judge(b, false, 'down', LATER_MS)
  t.strictSame(urls(pool.available), ['http://c'])
  pool.verdicts.judge(a, true, 'up', LATER_MS)
  t.strictSame(urls(pool.available), ['http://a', 'http://c'])
})

t.test('each backend knows its position among the available ones', async (t) => {
  const { pool, a, b, c } = threeBackends()
  const positions = (): number[] => [a, b, c].map((backend) => pool.mayPick(backend) ? backend.position : -1)
  t.strictSame(positions(), [0, 1, 2])
  pool.verdicts.judge(b, false, 'down', LATER_MS)
  t.strictSame(positions(), [0, -1, 1])
  pool.verdicts.judge(a, false, 'down', LATER_MS)
  t.strictSame(positions(), [-1, -1, 0])
  pool.verdicts.judge(b, true, 'up', LATER_MS)
  t.strictSame(positions(), [-1, 0, 1])
})

t.test('the policy picks among what is available from the moment of the verdict', async (t) => {
  const { pool, a, b, c } = threeBackends()
  pool.verdicts.judge(a, false, 'down', LATER_MS)
  pool.verdicts.judge(c, false, 'down', LATER_MS)
  t.equal(pool.pick(FRESH), b)
  pool.verdicts.judge(b, false, 'down', LATER_MS)
  t.equal(pool.pick(FRESH), undefined)
  pool.verdicts.judge(c, true, 'up', LATER_MS)
  t.equal(pool.pick(FRESH), c)
})

t.test('the status tells of every backend what the counters and the verdicts say', async (t) => {
  const { pool, b } = threeBackends()
  for (let i = 0; i < 3; i++) pool.counters.attemptStarted(b.slot)
  pool.counters.attemptEnded(b.slot)
  pool.counters.attemptFailed(b.slot)
  pool.verdicts.judge(b, false, 'answered 500', LATER_MS)
  const untouched = { state: 'up', weight: 1, priority: 0, healthy: true, inFlight: 0, requests: 0, failures: 0, retries: 0, since: '2030-01-01T00:00:00.000Z', reason: 'not probed yet' }
  t.strictSame(pool.status(), {
    name: 'main',
    policy: 'round-robin',
    panicking: false,
    backends: [
      { url: 'http://a', ...untouched },
      { url: 'http://b', state: 'down', weight: 1, priority: 0, healthy: false, inFlight: 2, requests: 3, failures: 1, retries: 0, since: '2030-01-02T03:04:05.678Z', reason: 'answered 500' },
      { url: 'http://c', ...untouched }
    ]
  })
})

t.test('more backends than the counters hold are refused', async (t) => {
  const origins = ['http://a', 'http://b']
  t.throws(() => madePool(origins, { counters: new Counters({ capacity: 1 }) }), { code: 'FL_SLOTS_EXHAUSTED' })
  t.doesNotThrow(() => madePool(origins, { counters: new Counters({ capacity: 2 }) }))
})

t.test('the gate of a pool is open until somebody closes it', async (t) => {
  t.ok(threeBackends().pool.gate.isOpen)
})

/** The pools of two threads: the first one judges. */
function twoThreads (): { pool: Pool, other: Pool } {
  const origins = ['http://a', 'http://b', 'http://c']
  const pool = madePool(origins, { nowMs: STARTED_MS })
  const { counters, board } = pool
  const shared = {
    counters: new Counters({ capacity: counters.capacity, memory: counters.memory }),
    board: new Board({ capacity: counters.capacity, memory: board.memory })
  }
  return { pool, other: madePool(origins, { nowMs: STARTED_MS, ...shared }) }
}

t.test('a verdict of one thread holds for the next pick of every other, without a word between them', async (t) => {
  const { pool, other } = twoThreads()
  const [a, b, c] = pool.backends
  if (a === undefined || b === undefined || c === undefined) throw new Error('the pool lacks a backend')
  pool.verdicts.judge(a, false, 'down', LATER_MS)
  pool.verdicts.judge(c, false, 'down', LATER_MS)
  t.strictSame([1, 2, 3].map(() => other.pick(FRESH)?.url), ['http://b', 'http://b', 'http://b'])
  t.strictSame(other.backends.map(({ position }) => position), [-1, 0, -1])
  pool.verdicts.judge(b, false, 'down', LATER_MS)
  t.equal(other.pick(FRESH), undefined)
  pool.verdicts.judge(c, true, 'up', LATER_MS)
  t.strictSame(urls(other.available), ['http://c'])
  t.strictSame(other.backends.map(({ healthy, available, judged }) => [healthy, available, judged]), [[false, false, true], [false, false, true], [true, true, true]])
})

t.test('any reason on the board takes a backend out, and it is back when there is none', async (t) => {
  const { pool, other } = twoThreads()
  const other1 = 1 << 5
  other.board.set(1, other1)
  t.strictSame(urls(pool.available), ['http://a', 'http://c'])
  t.strictSame([pool.backends[1]?.healthy, pool.backends[1]?.available], [true, false])
  other.board.clear(1, other1)
  t.strictSame(urls(pool.available), ['http://a', 'http://b', 'http://c'])
})

t.test('without news the policy is not told of anything', async (t) => {
  const { pool, other } = twoThreads()
  let rebuilt = 0
  const { policy } = other
  const rebuild = policy.rebuild.bind(policy)
  policy.rebuild = (active, members) => {
    rebuilt++
    rebuild(active, members)
  }
  for (let i = 0; i < 5; i++) other.pick(FRESH)
  t.equal(rebuilt, 0)
  for (const backend of pool.backends.slice(1)) pool.verdicts.judge(backend, false, 'down', LATER_MS)
  for (let i = 0; i < 5; i++) other.pick(FRESH)
  t.equal(rebuilt, 1)
})

t.test('why and since when comes to the other threads by itself', async (t) => {
  const { pool, other } = twoThreads()
  const [a] = pool.backends
  const [seen] = other.backends
  if (a === undefined || seen === undefined) throw new Error('the pool lacks a backend')
  pool.verdicts.judge(a, false, 'answered 500', LATER_MS)
  t.match(seen.status(), { healthy: false, reason: 'not probed yet' })
  other.verdicts.explain(seen, a.reason, a.sinceMs)
  t.match(seen.status(), { healthy: false, reason: 'answered 500', since: '2030-01-02T03:04:05.678Z' })
})

t.test('spare backends are for requests that have tried all active ones', async (t) => {
  const pool = madePool([], { backends: [{ url: 'http://spare', priority: 1 }, { url: 'http://a' }, { url: 'http://b' }] })
  const [spare, a, b] = pool.backends
  if (spare === undefined || a === undefined || b === undefined) throw new Error('the pool lacks a backend')
  t.strictSame(pool.backends.map(({ position }) => position), [2, 0, 1])
  t.ok(pool.mayPick(spare))
  t.equal(pool.pick({ tried: [a], keyHash: 0 }), b)
  t.equal(pool.pick({ tried: [a, b], keyHash: 0 }), spare)
  t.equal(pool.pick({ tried: [spare, a, b], keyHash: 0 }), undefined)
  t.equal(pool.pick({ tried: [spare, b], keyHash: 0 }), a)
  pool.verdicts.judge(spare, false, 'down', LATER_MS)
  t.notOk(pool.mayPick(spare))
})

t.test('a clock that was set back by more than a slow start takes does not leave a backend with a small share', async (t) => {
  let nowMs = LATER_MS
  const pool = madePool(['http://a'], { slowStartMs: 10_000, wallClockMs: () => nowMs })
  const [a] = pool.backends
  if (a === undefined) throw new Error('the pool lacks a backend')
  pool.verdicts.judge(a, false, 'down', nowMs)
  pool.verdicts.judge(a, true, 'up', nowMs)
  const ramps = [-9_999, -10_001].map((laterMs) => {
    nowMs = LATER_MS + laterMs
    pool.refresh()
    return a.ramp
  })
  t.strictSame(ramps, [0.1, 1])
})

t.test('a backend that is back gets its share little by little', async (t) => {
  let nowMs = LATER_MS
  const pool = madePool(['http://a'], { slowStartMs: 10_000, wallClockMs: () => nowMs })
  const [a] = pool.backends
  if (a === undefined) throw new Error('the pool lacks a backend')
  t.strictSame([a.ramp, pool.isWarming], [1, false], 'those that were there from the start have all of it')
  pool.verdicts.judge(a, false, 'down', nowMs)
  pool.verdicts.judge(a, true, 'up', nowMs)
  const ramps = [0, 500, 5_000, 9_900, 10_000, 99_000].map((laterMs) => {
    nowMs = LATER_MS + laterMs
    pool.refresh()
    return [a.ramp, pool.isWarming]
  })
  t.strictSame(ramps, [[0.1, true], [0.1, true], [0.5, true], [0.99, true], [1, false], [1, false]])
})

t.test('another policy is in charge from the next pick on', async (t) => {
  const { pool, c } = threeBackends()
  pool.usePolicy(() => ({ name: 'last', rebuild: () => {}, pick: () => c }))
  t.equal(pool.pick(FRESH), c)
  t.equal(pool.status().policy, 'last')
})

t.test('whoever watches is told of every attempt that is over, or becomes a tunnel', async (t) => {
  const { pool, a, b } = threeBackends()
  const seen: string[] = []
  pool.watcher = { attemptEnded: ({ url }, result) => { seen.push(`${url} ${result}`) }, switched: ({ url }) => { seen.push(`${url} switched`) } }
  for (const [backend, result] of [[a, 200], [b, -1]] as const) {
    pool.begin(backend)
    pool.ended(backend, 1, result)
  }
  pool.switched(a)
  t.strictSame(seen, ['http://a 200', 'http://b -1', 'http://a switched'])
})

t.test('in a panic the status says so, and all are picked from', async (t) => {
  const pool = madePool(['http://a', 'http://b'], { rules: { minGroupRatio: 0, panicRatio: 0.5 } })
  for (const backend of pool.backends) pool.verdicts.judge(backend, false, 'down', LATER_MS)
  t.ok(pool.status().panicking)
  t.strictSame(urls(pool.available), ['http://a', 'http://b'])
  for (const backend of pool.backends.slice(1)) pool.verdicts.judge(backend, true, 'up', LATER_MS)
  t.notOk(pool.isPanicking)
  t.strictSame(urls(pool.available), ['http://b'])
})
