import t from 'tap'
import { Counters } from '../../../src/pool/counters.ts'
import { weightedRoundRobin } from '../../../src/pool/policies/weighted-round-robin.ts'
import { FRESH } from '../made-pool.ts'
import { backendAt, takeDown, tally, weightedPool } from './picks.ts'

t.test('backends take smooth turns', async (t) => {
  const pool = weightedPool(weightedRoundRobin, [5, 1, 1])
  t.strictSame(Array.from({ length: 9 }, () => pool.pick(FRESH)?.slot), [0, 0, 1, 0, 2, 0, 0, 0, 0])
})

t.test('of as many requests as the weights add up to each backend gets its weight, whichever thread takes them', async (t) => {
  const counters = new Counters({ capacity: 3, rows: 2 })
  const other = new Counters({ capacity: 3, rows: 2, row: 1, memory: counters.memory })
  const pools = [counters, other].map((own) => weightedPool(weightedRoundRobin, [7, 2, 4], { counters: own }))
  const counts = [0, 0, 0]
  for (let i = 0; i < 26; i++) {
    const slot = pools[i % 3 === 0 ? 1 : 0]?.pick(FRESH)?.slot ?? -1
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  t.strictSame(counts, [14, 4, 8])
})

t.test('the turns of one that is down are not in the cycle', async (t) => {
  const pool = weightedPool(weightedRoundRobin, [7, 2, 4])
  takeDown(pool, 0)
  t.strictSame(tally(pool, 60), [0, 20, 40])
})

t.test('further attempts take no turn', async (t) => {
  const pool = weightedPool(weightedRoundRobin, [3, 1])
  const counts = [0, 0]
  for (let i = 0; i < 40; i++) {
    const slot = pool.pick(FRESH)?.slot ?? -1
    counts[slot] = (counts[slot] ?? 0) + 1
    if (i % 3 === 0) pool.pick({ ...FRESH, tried: [backendAt(pool, 0)] })
  }
  t.strictSame(counts, [30, 10])
})

t.test('a backend that warms up has the part of its turns that it has of its weight', async (t) => {
  let nowMs = 1000
  const pool = weightedPool(weightedRoundRobin, [2, 2], { slowStartMs: 1000, wallClockMs: () => nowMs })
  takeDown(pool, 1)
  pool.verdicts.judge(backendAt(pool, 1), true, 'answered 200', nowMs)
  nowMs = 1500
  pool.refresh()
  t.strictSame(tally(pool, 300), [200, 100])
  nowMs = 2000
  pool.refresh()
  t.strictSame(tally(pool, 300), [150, 150])
})
