/** What every balancing policy keeps to: one suite, run over all that are built in. */
import * as fc from 'fast-check'
import t from 'tap'
import { Backend } from '../../../src/pool/backend.ts'
import { Board } from '../../../src/pool/board.ts'
import { Counters } from '../../../src/pool/counters.ts'
import { BUILT_IN_POLICIES } from '../../../src/pool/policies/built-in.ts'
import { RESULT_FAILED, RESULT_UNKNOWN, type Policy, type PolicyFactory } from '../../../src/pool/policy.ts'
import type { Pool } from '../../../src/pool/pool.ts'
import { chiSquaredExcess } from '../../kit/chi-squared.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { FRESH } from '../made-pool.ts'
import { backendAt, bringUp, keyOf, takeDown, tally, weightedPool } from './picks.ts'

const SEED = 20_261_123
const EVEN = [1, 1, 1, 1, 1]
const UNEVEN = [5, 1, 1, 3, 10]
const PICKS = 20_000

/** Policies that send a key to one backend as long as it is there; the others do not read it. */
const KEYED = new Set(['consistent-hash', 'bounded-hash'])

/** What happens to a pool, one step after the other; `which` counts its backends around. */
interface Step {
  readonly what: 'down' | 'up' | 'request' | 'answer' | 'failure' | 'leave' | 'swap'
  readonly which: number
  readonly keyHash: number
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('down', 'up', 'up', 'request', 'request', 'request', 'answer', 'failure', 'leave', 'swap'),
  which: fc.nat(99),
  keyHash: fc.nat(2 ** 32 - 1)
})

for (const [name, policy] of BUILT_IN_POLICIES) {
  t.test(name, async (t) => {
    t.test('it bears the name that it is chosen by', async (t) => {
      t.equal(weightedPool(policy, EVEN).policy.name, name)
    })

    t.test('an empty pool has nobody to pick', async (t) => {
      t.equal(weightedPool(policy, []).pick(FRESH), undefined)
    })

    t.test('a single backend is picked each time, unless it was tried', async (t) => {
      const pool = weightedPool(policy, [3])
      t.strictSame(tally(pool, 100), [100])
      t.equal(pool.pick({ ...FRESH, tried: [backendAt(pool, 0)] }), undefined)
    })

    t.test('when all are down nobody is picked, and when one is back, that one', async (t) => {
      const pool = weightedPool(policy, EVEN)
      takeDown(pool, 0, 1, 2, 3, 4)
      t.equal(pool.pick(FRESH), undefined)
      t.equal(pool.pick({ ...FRESH, tried: [backendAt(pool, 2)] }), undefined)
      bringUp(pool, 3)
      t.strictSame(tally(pool, 50), [0, 0, 0, 50, 0])
    })

    t.test('whatever happens, an available backend that was not tried is picked as long as there is one', async (t) => {
      const pools = fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 12 })
      // Those that make a table for each pool take their time.
      const numRuns = KEYED.has(name) ? 40 : 150
      fc.assert(fc.property(pools, fc.array(step, { maxLength: 60 }), (weights, steps) => play(policy, weights, steps)), { seed: SEED, numRuns })
      t.pass(`each of ${numRuns} stories`)
    })

    t.test('idle backends share evenly', async (t) => {
      t.ok(chiSquaredExcess(tally(weightedPool(policy, EVEN), PICKS), EVEN) < 1)
    })

    t.test('idle backends share by weight', async (t) => {
      t.ok(chiSquaredExcess(tally(weightedPool(policy, UNEVEN), PICKS), UNEVEN) < 1)
    })

    t.test('the share of one that went down is spread over all the others by weight', async (t) => {
      const pool = weightedPool(policy, UNEVEN)
      takeDown(pool, 3)
      t.ok(chiSquaredExcess(tally(pool, PICKS), [5, 1, 1, 0, 10]) < 1)
    })

    t.test('second attempts are spread over all the others', async (t) => {
      const pool = weightedPool(policy, EVEN)
      t.ok(chiSquaredExcess(tally(pool, PICKS, [backendAt(pool, 1)]), [1, 0, 1, 1, 1]) < 1)
    })

    t.test('second attempts are spread by weight too', async (t) => {
      const pool = weightedPool(policy, UNEVEN)
      t.ok(chiSquaredExcess(tally(pool, PICKS, [backendAt(pool, 3)]), [5, 1, 1, 0, 10]) < 1)
    })

    t.test('new weights hold from the next pick on', async (t) => {
      const { policy: made, backendsOf } = bare(policy, 5)
      for (const weights of [EVEN, UNEVEN, [1, 9, 1, 1, 4]]) {
        const backends = backendsOf(weights)
        made.rebuild(backends, backends)
        t.ok(chiSquaredExcess(slotsPicked(made, 5), weights) < 1, weights.join(', '))
      }
    })

    t.test('a backend that is back gets its share again', async (t) => {
      const pool = weightedPool(policy, EVEN)
      takeDown(pool, 0, 4)
      tally(pool, 500)
      bringUp(pool, 0, 4)
      t.ok(chiSquaredExcess(tally(pool, PICKS), EVEN) < 1)
    })

    t.test('it reads a key only if it goes by it', async (t) => {
      let reads = 0
      const context = {
        tried: [],
        get keyHash () {
          reads++
          return 1
        }
      }
      weightedPool(policy, UNEVEN).pick(context)
      t.equal(reads > 0, KEYED.has(name))
    })

    t.test('a pick of 10,000 backends takes about as long as one of 10', async (t) => {
      const [few, many] = [10, 10_000].map((count) => pickMs(weightedPool(policy, Array.from({ length: count }, (_, i) => 1 + i % 7))))
      t.ok((many ?? Infinity) < 60 * (few ?? 0), `${many} ms against ${few} ms; looking at all would take 1000 times as long`)
    })

    t.test('what it says of a backend are numbers', async (t) => {
      const pool = weightedPool(policy, UNEVEN)
      pool.begin(backendAt(pool, 1))
      for (const backend of pool.backends) {
        for (const score of Object.values(pool.policy.scores?.(backend, FRESH) ?? {})) t.ok(Number.isFinite(score))
      }
    })
  })
}

/** Plays the steps on a pool, and each request to its end: whether nobody was ever picked in vain or passed over. */
function play (policy: PolicyFactory, weights: readonly number[], steps: readonly Step[]): boolean {
  let nowMs = 0
  const pool = weightedPool(policy, weights, { monotonicMs: () => nowMs })
  const inFlight: Backend[] = []
  for (const { what, which, keyHash } of steps) {
    nowMs += which
    const slot = which % Math.max(1, weights.length)
    if (what === 'swap') pool.usePolicy(policy)
    else if (what === 'request') {
      if (!askAll(pool, keyHash, which)) return false
      const backend = pool.pick({ tried: [], keyHash })
      if (backend !== undefined && pool.begin(backend)) inFlight.push(backend)
    } else if (what === 'down' || what === 'up') {
      if (weights.length > 0) pool.verdicts.judge(backendAt(pool, slot), what === 'up', what, 0)
    } else endOne(pool, inFlight.splice(which % Math.max(1, inFlight.length), 1), what)
  }
  return true
}

function endOne (pool: Pool, ended: readonly Backend[], how: 'answer' | 'failure' | 'leave'): void {
  for (const backend of ended) {
    if (how === 'answer') pool.ended(backend, 12.5, 200)
    else pool.ended(backend, Number.NaN, how === 'failure' ? RESULT_FAILED : RESULT_UNKNOWN)
  }
}

/** A request that tries all backends but some of the first ones: whether it gets each that is available exactly once, and then none. */
function askAll (pool: Pool, keyHash: number, skipped: number): boolean {
  const done = new Set(pool.backends.filter((_, slot) => (skipped >> slot & 1) === 1))
  const expected = pool.backends.filter((backend) => backend.available && !done.has(backend))
  for (const _ of expected) {
    const picked = pool.pick({ tried: inOrder(pool, done), keyHash })
    if (picked === undefined || !expected.includes(picked) || done.has(picked)) return false
    done.add(picked)
  }
  return pool.pick({ tried: inOrder(pool, done), keyHash }) === undefined
}

function inOrder (pool: Pool, backends: ReadonlySet<Backend>): Backend[] {
  return pool.backends.filter((backend) => backends.has(backend))
}

/** A policy without a pool, and what makes backends for it. */
function bare (policy: PolicyFactory, capacity: number): { policy: Policy, backendsOf: (weights: readonly number[]) => Backend[] } {
  const counters = new Counters({ capacity })
  const board = new Board({ capacity })
  const backendsOf = (weights: readonly number[]): Backend[] => weights.map((weight, slot) => {
    const backend = new Backend({ url: `http://b${slot}`, weight }, slot, { board, counters }, 0)
    backend.position = slot
    return backend
  })
  return { policy: policy({ counters, random: seededRandom(3), nowMs: () => 0 }), backendsOf }
}

function slotsPicked (policy: Policy, capacity: number): number[] {
  const nextKey = seededRandom(5)
  const counts = Array.from({ length: capacity }, () => 0)
  for (let i = 0; i < PICKS; i++) {
    const slot = policy.pick({ tried: [], keyHash: keyOf(nextKey) })?.slot ?? -1
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}

/** The shortest of some runs of 1,000 picks, in ms. */
function pickMs (pool: Pool): number {
  const tried = [backendAt(pool, 0), backendAt(pool, 2)]
  let best = Infinity
  for (let run = 0; run < 30; run++) {
    const startMs = performance.now()
    for (let i = 0; i < 1000; i++) pool.pick({ tried: i % 2 === 0 ? [] : tried, keyHash: Math.imul(i, 0x9e3779b9) >>> 0 })
    best = Math.min(best, performance.now() - startMs)
  }
  return best
}
