import t from 'tap'
import type { Backend } from '../../../src/pool/backend.ts'
import { Counters } from '../../../src/pool/counters.ts'
import { RoundRobin } from '../../../src/pool/policies/round-robin.ts'
import type { PickContext } from '../../../src/pool/policy.ts'
import type { Pool } from '../../../src/pool/pool.ts'
import { CURSOR_ROUND_ROBIN } from '../../../src/pool/slots.ts'
import { FRESH, madePool } from '../made-pool.ts'

const FIRST_ATTEMPT: PickContext = FRESH

function poolOf (size: number, counters = new Counters({ capacity: size })): Pool {
  return madePool(Array.from({ length: size }, (_, index) => `http://b${index}`), { counters })
}

function takeDown (pool: Pool, ...slots: number[]): void {
  for (const slot of slots) pool.verdicts.judge(backendAt(pool, slot), false, 'answered 500', 0)
}

function backendAt (pool: Pool, slot: number): Backend {
  const backend = pool.backends[slot]
  if (backend === undefined) throw new Error(`no backend in slot ${slot}`)
  return backend
}

/** How often each backend was picked, by slot, over `picks` requests; -1 counts those that got none. */
function tally (pool: Pool, picks: number, context = FIRST_ATTEMPT): Record<number, number> {
  const counts: Record<number, number> = {}
  for (let i = 0; i < picks; i++) {
    const slot = pool.pick(context)?.slot ?? -1
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}

/** Sets the cursor so that `value` is its next number. The word is found by what advancing it changes. */
function setCursor (counters: Counters, cursor: number, value: number): void {
  const words = new Int32Array(counters.memory.totals)
  const before = words.slice()
  counters.advance(cursor)
  words[words.findIndex((word, index) => word !== before[index])] = value
}

t.test('of n x k requests each of k backends gets exactly n', async (t) => {
  for (const size of [1, 2, 3, 5, 8]) {
    const counts = tally(poolOf(size), 7 * size)
    t.strictSame(counts, Object.fromEntries(Array.from({ length: size }, (_, slot) => [slot, 7])), `${size} backends`)
  }
})

t.test('backends take turns in the order of the pool', async (t) => {
  const pool = poolOf(3)
  t.strictSame([1, 2, 3, 4, 5].map(() => pool.pick(FIRST_ATTEMPT)?.url), ['http://b0', 'http://b1', 'http://b2', 'http://b0', 'http://b1'])
})

t.test('the policy is exact over threads that share the counters', async (t) => {
  const counters = new Counters({ capacity: 4, rows: 2 })
  const pools = [poolOf(4, counters), poolOf(4, new Counters({ capacity: 4, rows: 2, row: 1, memory: counters.memory }))]
  const counts = [0, 0, 0, 0]
  // Not by turns: one thread has three requests to each one of the other.
  for (let i = 0; i < 40; i++) {
    const slot = pools[i % 4 === 0 ? 1 : 0]?.pick(FIRST_ATTEMPT)?.slot ?? -1
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  t.strictSame(counts, [10, 10, 10, 10])
})

t.test('the share of a backend that went down is spread evenly over the others', async (t) => {
  const pool = poolOf(4)
  takeDown(pool, 1)
  t.strictSame(tally(pool, 300), { 0: 100, 2: 100, 3: 100 })
})

t.test('the shares of neighbours that went down are spread evenly too', async (t) => {
  const pool = poolOf(6)
  takeDown(pool, 1, 2, 3)
  t.strictSame(tally(pool, 300), { 0: 100, 4: 100, 5: 100 })
})

t.test('a backend that is back gets its full share again', async (t) => {
  const pool = poolOf(3)
  takeDown(pool, 1)
  tally(pool, 10)
  pool.verdicts.judge(backendAt(pool, 1), true, 'answered 200', 0)
  t.strictSame(tally(pool, 30), { 0: 10, 1: 10, 2: 10 })
})

t.test('an empty pool has nobody to pick', async (t) => {
  t.equal(poolOf(0).pick(FIRST_ATTEMPT), undefined)
})

t.test('a pool whose backends are all down has nobody to pick, not even to try again', async (t) => {
  const pool = poolOf(2)
  takeDown(pool, 0, 1)
  t.equal(pool.pick(FIRST_ATTEMPT), undefined)
  t.equal(pool.pick({ ...FRESH, tried: [backendAt(pool, 0)] }), undefined)
})

t.test('who waited in vain has not taken the turn of anybody', async (t) => {
  const pool = poolOf(2)
  takeDown(pool, 0, 1)
  tally(pool, 5)
  pool.verdicts.judge(backendAt(pool, 0), true, 'answered 200', 0)
  pool.verdicts.judge(backendAt(pool, 1), true, 'answered 200', 0)
  t.equal(pool.pick(FIRST_ATTEMPT)?.slot, 0)
})

t.test('the cursor stays even when it passes 2^31, where a signed number would turn negative', async (t) => {
  const counters = new Counters({ capacity: 3 })
  const pool = poolOf(3, counters)
  setCursor(counters, CURSOR_ROUND_ROBIN, 2 ** 31 - 3)
  t.strictSame(tally(pool, 30), { 0: 10, 1: 10, 2: 10 })
})

t.test('the cursor begins again at 0 after 2^32 numbers', async (t) => {
  const counters = new Counters({ capacity: 4 })
  const pool = poolOf(4, counters)
  setCursor(counters, CURSOR_ROUND_ROBIN, 2 ** 32 - 2)
  t.strictSame([1, 2, 3, 4].map(() => pool.pick(FIRST_ATTEMPT)?.slot), [2, 3, 0, 1])
})

t.test('a further attempt goes to each backend that was not tried equally often, never to one that was', async (t) => {
  const cases: ReadonlyArray<{ tried: number[], counts: Record<number, number> }> = [
    { tried: [0], counts: { 1: 20, 2: 20, 3: 20, 4: 20 } },
    { tried: [2], counts: { 0: 20, 1: 20, 3: 20, 4: 20 } },
    { tried: [4], counts: { 0: 20, 1: 20, 2: 20, 3: 20 } },
    { tried: [0, 1], counts: { 2: 20, 3: 20, 4: 20 } },
    { tried: [1, 3], counts: { 0: 20, 2: 20, 4: 20 } },
    { tried: [0, 2, 4], counts: { 1: 20, 3: 20 } },
    { tried: [1, 2, 3, 4], counts: { 0: 20 } },
    { tried: [0, 1, 2, 3, 4], counts: { [-1]: 20 } }
  ]
  for (const { tried, counts } of cases) {
    const pool = poolOf(5)
    const context = { ...FRESH, tried: tried.map((slot) => backendAt(pool, slot)) }
    t.strictSame(tally(pool, 20 * Object.keys(counts).length, context), counts, `tried: ${tried.join(', ')}`)
  }
})

t.test('a backend that was tried and has gone down since takes no other with it', async (t) => {
  const pool = poolOf(5)
  takeDown(pool, 1, 2)
  const tried = [1, 3].map((slot) => backendAt(pool, slot))
  t.strictSame(tally(pool, 40, { ...FRESH, tried }), { 0: 20, 4: 20 })
})

t.test('further attempts do not disturb the turns of first attempts', async (t) => {
  const pool = poolOf(3)
  const tried = [backendAt(pool, 0)]
  const counts = [0, 0, 0]
  for (let i = 0; i < 30; i++) {
    const slot = pool.pick(FIRST_ATTEMPT)?.slot ?? -1
    counts[slot] = (counts[slot] ?? 0) + 1
    if (i % 4 === 0) pool.pick({ ...FRESH, tried })
  }
  t.strictSame(counts, [10, 10, 10])
})

t.test('what a failing backend could not serve is spread evenly over all the others', async (t) => {
  const pool = poolOf(4)
  const failing = backendAt(pool, 1)
  const served = [0, 0, 0, 0]
  for (let i = 0; i < 120; i++) {
    const first = pool.pick(FIRST_ATTEMPT)
    const last = first === failing ? pool.pick({ ...FRESH, tried: [failing] }) : first
    served[last?.slot ?? -1] = (served[last?.slot ?? -1] ?? 0) + 1
  }
  t.strictSame(served, [40, 0, 40, 40])
})

t.test('a pick looks at no more backends of 10,000 than of 3', async (t) => {
  const costOf = (size: number, triedSlots: readonly number[]): { reads: number, others: number } => {
    const pool = poolOf(size)
    const context = { ...FRESH, tried: triedSlots.map((slot) => backendAt(pool, slot)) }
    const policy = new RoundRobin(pool.counters, () => 0)
    const cost = { reads: 0, others: 0 }
    policy.rebuild(counting(pool.available, cost), pool.backends)
    cost.reads = 0
    cost.others = 0
    for (let i = 0; i < 100; i++) policy.pick(context)
    return cost
  }
  for (const tried of [[], [0], [0, 2]]) {
    const cost = costOf(10_000, tried)
    t.strictSame(cost, { reads: costOf(3, tried).reads, others: 0 }, `${tried.length} tried`)
    t.ok(cost.reads > 0 && cost.reads <= 400, `${cost.reads} reads of 100 picks`)
  }
})

/** A list of backends that counts what is read of it. */
function counting (backends: readonly Backend[], cost: { reads: number, others: number }): readonly Backend[] {
  return new Proxy(backends, {
    get (list, key): unknown {
      cost.reads++
      return Reflect.get(list, key)
    },
    has (list, key) {
      cost.others++
      return Reflect.has(list, key)
    },
    ownKeys (list) {
      cost.others++
      return Reflect.ownKeys(list)
    }
  })
}

t.test('where weights differ, or while one warms up, each has turns by its weight', async (t) => {
  let nowMs = 1000
  const pool = madePool([], { backends: [{ url: 'http://a', weight: 2 }, { url: 'http://b' }], slowStartMs: 1000, wallClockMs: () => nowMs })
  t.strictSame(tally(pool, 30), { 0: 20, 1: 10 })
  t.match(pool.explain(), { rule: /as often as it weighs/, candidates: [{ scores: { weight: 2 } }, { scores: { weight: 1 } }] })
  takeDown(pool, 0)
  t.strictSame(tally(pool, 30), { 1: 30 })
  t.match(pool.explain(), { rule: /^each in turn, in the pool's order;/, candidates: [{ scores: {} }] })
  pool.verdicts.judge(backendAt(pool, 0), true, 'answered 200', nowMs)
  nowMs = 1500
  pool.refresh()
  t.strictSame(tally(pool, 30), { 0: 15, 1: 15 }, 'half of its weight')
  nowMs = 2000
  pool.refresh()
  t.strictSame(tally(pool, 30), { 0: 20, 1: 10 })
})
