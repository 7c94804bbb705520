import * as fc from 'fast-check'
import t from 'tap'
import type { Backend } from '../../../src/pool/backend.ts'
import { Counters } from '../../../src/pool/counters.ts'
import { leastConnections } from '../../../src/pool/policies/least-connections.ts'
import type { Pool } from '../../../src/pool/pool.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { FRESH } from '../made-pool.ts'
import { backendAt, takeDown, weightedPool } from './picks.ts'

const SEED = 20_261_123

const weightLists = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 })
const events = fc.array(fc.record({ kind: fc.constantFrom('start', 'start', 'end', 'down', 'up'), which: fc.nat(255) }), { maxLength: 120 })

/** Whether no other that may be picked has less in flight for its weight. */
function isLeast (pool: Pool, picked: Backend | undefined, tried: readonly Backend[] = []): boolean {
  const loads = pool.available.filter((backend) => !tried.includes(backend)).map(({ inFlight, weight }) => inFlight / weight)
  return picked === undefined ? loads.length === 0 : picked.inFlight / picked.weight === Math.min(...loads)
}

t.test('the one with the fewest attempts for its weight is picked, whatever starts, ends, goes down and comes back', async (t) => {
  fc.assert(fc.property(weightLists, events, (weights, list) => {
    const pool = weightedPool(leastConnections, weights)
    const inFlight: Backend[] = []
    for (const { kind, which } of list) {
      const tried = pool.backends.filter((_, slot) => (which >> slot & 1) === 1)
      if (!isLeast(pool, pool.pick({ ...FRESH, tried }), tried)) return false
      const picked = pool.pick(FRESH)
      if (!isLeast(pool, picked)) return false
      if (kind === 'start' && picked !== undefined && pool.begin(picked)) inFlight.push(picked)
      else if (kind === 'end') for (const backend of inFlight.splice(which % (inFlight.length + 1), 1)) pool.ended(backend, 1, 200)
      else if (kind === 'down' || kind === 'up') pool.verdicts.judge(backendAt(pool, which % weights.length), kind === 'up', kind, 0)
    }
    return true
  }), { seed: SEED, numRuns: 300 })
  t.pass('as if it looked at all')
})

t.test('what another thread has started and ended is seen after as many picks as there are backends', async (t) => {
  fc.assert(fc.property(weightLists, fc.array(fc.array(fc.nat(9), { minLength: 8, maxLength: 8 }), { maxLength: 6 }), (weights, rounds) => {
    const counters = new Counters({ capacity: weights.length, rows: 2 })
    const other = new Counters({ capacity: weights.length, rows: 2, row: 1, memory: counters.memory })
    const pool = weightedPool(leastConnections, weights, { counters })
    for (const wanted of rounds) {
      for (const slot of weights.keys()) {
        while (other.ownInFlight(slot) < (wanted[slot] ?? 0)) other.attemptStarted(slot)
        while (other.ownInFlight(slot) > (wanted[slot] ?? 0)) other.attemptEnded(slot)
      }
      for (let i = 1; i < weights.length; i++) pool.pick(FRESH)
      if (!isLeast(pool, pool.pick(FRESH))) return false
    }
    return true
  }), { seed: SEED, numRuns: 300 })
  t.pass('whatever it does behind its back')
})

t.test('an attempt that this thread has started is seen at once', async (t) => {
  const pool = weightedPool(leastConnections, [1, 1, 1])
  const picked = Array.from({ length: 7 }, () => {
    const backend = pool.pick(FRESH)
    if (backend !== undefined) pool.begin(backend)
    return backend?.slot
  })
  t.strictSame(picked, [0, 1, 2, 0, 1, 2, 0])
})

t.test('equal ones take turns by weight, also when each request ends before the next', async (t) => {
  const pool = weightedPool(leastConnections, [3, 1, 2])
  const counts = [0, 0, 0]
  for (let i = 0; i < 60; i++) {
    const backend = pool.pick(FRESH)
    if (backend === undefined || !pool.begin(backend)) throw new Error('nobody was picked')
    counts[backend.slot] = (counts[backend.slot] ?? 0) + 1
    pool.ended(backend, 1, 200)
  }
  t.strictSame(counts, [30, 10, 20])
})

t.test('one that was away for long does not get all that it has missed', async (t) => {
  const pool = weightedPool(leastConnections, [1, 1])
  takeDown(pool, 1)
  for (let i = 0; i < 1000; i++) pool.pick(FRESH)
  pool.verdicts.judge(backendAt(pool, 1), true, 'answered 200', 0)
  const counts = [0, 0]
  for (let i = 0; i < 10; i++) {
    const slot = pool.pick(FRESH)?.slot ?? -1
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  t.strictSame(counts, [5, 5])
})

t.test('attempts that were in flight when the policy came count too', async (t) => {
  const pool = weightedPool(leastConnections, [1, 1])
  pool.begin(backendAt(pool, 0))
  pool.usePolicy(leastConnections)
  t.strictSame([1, 2, 3].map(() => pool.pick(FRESH)?.slot), [1, 1, 1])
  pool.ended(backendAt(pool, 0), 1, 200)
  t.equal(pool.pick(FRESH)?.slot, 0)
})

t.test('gateways that start together do not all begin with the same backend', async (t) => {
  const firsts = Array.from({ length: 100 }, (_, seed) => weightedPool(leastConnections, [1, 1, 1, 1], { random: seededRandom(seed) }).pick(FRESH)?.slot)
  t.strictSame(new Set(firsts), new Set([0, 1, 2, 3]))
})
