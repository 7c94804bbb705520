import * as fc from 'fast-check'
import t from 'tap'
import type { Backend } from '../../../src/pool/backend.ts'
import { Counters } from '../../../src/pool/counters.ts'
import { boundedHash, LOAD_FACTOR } from '../../../src/pool/policies/bounded-hash.ts'
import { consistentHash } from '../../../src/pool/policies/consistent-hash.ts'
import type { Pool } from '../../../src/pool/pool.ts'
import { FRESH } from '../made-pool.ts'
import { backendAt, takeDown, tally, weightedPool } from './picks.ts'

const SEED = 20_261_123
const EVEN = [1, 1, 1, 1, 1]

const weightLists = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 })
/** A start for one of few keys, or an end. */
const steps = fc.array(fc.record({ key: fc.nat(3), isEnd: fc.boolean(), which: fc.nat(255) }), { maxLength: 200 })

/** Starts an attempt for a key. */
function start (pool: Pool, keyHash: number): Backend {
  const backend = pool.pick({ tried: [], keyHash })
  if (backend === undefined || !pool.begin(backend)) throw new Error('nobody was picked')
  return backend
}

/** The most that a backend may have in flight, of all that its pool has. */
function most (pool: Pool, { weight }: Backend): number {
  const inFlight = pool.backends.reduce((sum, backend) => sum + backend.inFlight, 0)
  const weights = pool.available.reduce((sum, backend) => sum + backend.weight, 0)
  return Math.ceil(LOAD_FACTOR * inFlight * weight / weights)
}

t.test('nobody gets more than 1.25 times its share, however hot a key is', async (t) => {
  fc.assert(fc.property(weightLists, steps, (weights, list) => {
    const pool = weightedPool(boundedHash, weights)
    const inFlight: Backend[] = []
    for (const { key, isEnd, which } of list) {
      if (isEnd) for (const backend of inFlight.splice(which % (inFlight.length + 1), 1)) pool.ended(backend, 1, 200)
      else {
        const backend = start(pool, key)
        inFlight.push(backend)
        if (backend.inFlight > most(pool, backend)) return false
      }
    }
    return true
  }), { seed: SEED, numRuns: 150 })
  t.pass('whatever starts and ends')
})

t.test('each attempt of a thread is within its bound, so that all threads together are but for the rounding', async (t) => {
  const counters = new Counters({ capacity: 5, rows: 2 })
  const other = new Counters({ capacity: 5, rows: 2, row: 1, memory: counters.memory })
  const pools = [counters, other].map((own) => weightedPool(boundedHash, EVEN, { counters: own }))
  for (let i = 0; i < 100; i++) for (const pool of pools) start(pool, 1)
  for (const backend of pools[0]?.backends ?? []) t.ok(backend.inFlight <= 2 * Math.ceil(LOAD_FACTOR * 20), `${backend.inFlight}`)
})

t.test('it holds where most of the pool is down', async (t) => {
  for (const weightOf of [() => 1, (i: number) => i === 999 ? 1000 : 1]) {
    const pool = weightedPool(boundedHash, Array.from({ length: 1000 }, (_, i) => weightOf(i)))
    takeDown(pool, ...Array.from({ length: 980 }, (_, i) => i))
    let above = 0
    for (let i = 0; i < 1000; i++) {
      const backend = start(pool, i % 3)
      if (backend.inFlight > most(pool, backend)) above++
    }
    t.equal(above, 0)
  }
})

t.test('an idle pool has every key where consistent hashing has it', async (t) => {
  t.strictSame(tally(weightedPool(boundedHash, [1, 2, 3]), 2000), tally(weightedPool(consistentHash, [1, 2, 3]), 2000))
})

t.test('what is too much for the backend of a hot key goes to the same others each time, and comes back', async (t) => {
  const pool = weightedPool(boundedHash, EVEN)
  const rounds = [1, 2].map(() => {
    const started = Array.from({ length: 20 }, () => start(pool, 77))
    for (const backend of started) pool.ended(backend, 1, 200)
    return started.map(({ slot }) => slot)
  })
  t.strictSame(rounds[0], rounds[1])
  t.ok(new Set(rounds[0]).size > 1)
})

t.test('attempts that were in flight when the policy came do not spoil its count when they end', async (t) => {
  const pool = weightedPool(boundedHash, EVEN)
  const inFlight = Array.from({ length: 40 }, (_, i) => start(pool, i * 1_000_003))
  pool.usePolicy(boundedHash)
  for (const backend of inFlight) pool.ended(backend, 1, 200)
  t.strictSame(tally(pool, 2000), tally(weightedPool(boundedHash, EVEN), 2000))
})

t.test('a further attempt is served even if all others are at their bound', async (t) => {
  const pool = weightedPool(boundedHash, [1, 1])
  const tried = [start(pool, 5)]
  pool.begin(backendAt(pool, tried[0]?.slot === 0 ? 1 : 0))
  pool.begin(backendAt(pool, tried[0]?.slot === 0 ? 1 : 0))
  t.ok(pool.pick({ ...FRESH, tried }))
})
