/** How many attempts a backend may have in flight, and what becomes of a pool that is full. */
import t from 'tap'
import type { Backend } from '../../src/pool/backend.ts'
import { Board } from '../../src/pool/board.ts'
import { Counters } from '../../src/pool/counters.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { NOTE_TRIAL, REASON_FULL } from '../../src/pool/slots.ts'
import { FRESH, madePool } from './made-pool.ts'

const urls = (backends: readonly Backend[]): string[] => backends.map((backend) => backend.url)

/** A pool with a first backend that may have so many in flight, and a second one without a limit. */
function limited (maxInFlight: number): { pool: Pool, a: Backend } {
  const pool = madePool([], { backends: [{ url: 'http://a', maxInFlight }, { url: 'http://b' }] })
  const [a] = pool.backends
  if (a === undefined) throw new Error('the pool lacks a backend')
  return { pool, a }
}

t.test('a backend that has as many in flight as it may is not picked, and is again when one has ended', async (t) => {
  const { pool, a } = limited(2)
  t.ok(pool.begin(a))
  t.strictSame(urls(pool.available), ['http://a', 'http://b'])
  t.ok(pool.begin(a))
  t.strictSame(urls(pool.available), ['http://b'])
  t.notOk(pool.begin(a))
  t.strictSame([a.inFlight, pool.counters.requests(a.slot)], [2, 2])
  pool.ended(a, 1, 200)
  t.strictSame(urls(pool.available), ['http://a', 'http://b'])
})

t.test('a limit is over all threads: who finds it reached tells the others, and who ends one too', async (t) => {
  const backends = [{ url: 'http://a', maxInFlight: 1 }]
  const board = new Board({ capacity: 1 })
  const counters = new Counters({ capacity: 1, rows: 2 })
  const pool = madePool([], { backends, board, counters })
  const other = madePool([], { backends, board: new Board({ capacity: 1, memory: board.memory }), counters: new Counters({ capacity: 1, rows: 2, row: 1, memory: counters.memory }) })
  const [[mine], [theirs]] = [pool.backends, other.backends]
  if (mine === undefined || theirs === undefined) throw new Error('the pool lacks a backend')
  t.ok(pool.begin(mine))
  t.equal(other.pick(FRESH), undefined)
  t.notOk(other.begin(theirs))
  t.ok(other.isFull)
  pool.ended(mine, 1, 200)
  t.equal(other.pick(FRESH), theirs)
  t.notOk(other.isFull)
})

t.test('found full by a limit that holds no more, a backend has room for the next one who looks', async (t) => {
  const backends = [{ url: 'http://a', maxInFlight: 5 }]
  const board = new Board({ capacity: 1 })
  const counters = new Counters({ capacity: 1 })
  board.set(0, NOTE_TRIAL)
  const pool = madePool([], { backends, board, counters })
  const [a] = pool.backends
  if (a === undefined) throw new Error('the pool lacks a backend')
  t.ok(pool.begin(a))
  board.clear(0, NOTE_TRIAL)
  t.strictSame(urls(pool.available), ['http://a'])
  // As a thread does that had looked at the limit before.
  board.set(0, REASON_FULL)
  t.strictSame(urls(pool.available), ['http://a'])
  t.equal(board.reasons(0), 0, 'for all threads')
})

t.test('a pool is full if something would be left but for its limits', async (t) => {
  const { pool, a } = limited(1)
  pool.begin(a)
  t.notOk(pool.isFull, 'there is another one')
  for (const backend of pool.backends.slice(1)) pool.verdicts.judge(backend, false, 'down', 0)
  t.ok(pool.isFull)
  pool.verdicts.judge(a, false, 'down', 0)
  t.notOk(pool.isFull, 'what is full is down')
})

t.test('what a thread had in flight makes room when it has ended', async (t) => {
  const { pool, a } = limited(1)
  pool.begin(a)
  t.strictSame(urls(pool.available), ['http://b'])
  pool.threadEnded(0)
  t.strictSame(urls(pool.available), ['http://a', 'http://b'])
})

t.test('a backend on trial gets so many at a time, whatever its limit, and all it may have when it is over', async (t) => {
  for (const [trialInFlight, maxInFlight] of [[1, 0], [2, 5]] as const) {
    const pool = madePool([], { backends: [{ url: 'http://a', maxInFlight }], trialInFlight })
    const [a] = pool.backends
    if (a === undefined) throw new Error('the pool lacks a backend')
    pool.board.set(a.slot, NOTE_TRIAL)
    t.strictSame(urls(pool.available), ['http://a'])
    t.strictSame([1, 2, 3].map(() => pool.begin(a)), [1, 2, 3].map((count) => count <= trialInFlight))
    t.strictSame(urls(pool.available), [])
    pool.board.clear(a.slot, NOTE_TRIAL)
    t.strictSame(urls(pool.available), ['http://a'])
    t.ok(pool.begin(a))
  }
})

t.test('in a panic what is down and full makes a pool full, not empty', async (t) => {
  const pool = madePool([], { backends: [{ url: 'http://a', maxInFlight: 1 }], rules: { minGroupRatio: 0, panicRatio: 0.5 } })
  const [a] = pool.backends
  if (a === undefined) throw new Error('the pool lacks a backend')
  pool.verdicts.judge(a, false, 'down', 0)
  t.equal(pool.pick(FRESH), a)
  t.ok(pool.begin(a))
  t.ok(pool.isFull)
})
