import t from 'tap'
import { powerOfTwo } from '../../../src/pool/policies/power-of-two.ts'
import { random } from '../../../src/pool/policies/random.ts'
import type { PolicyFactory } from '../../../src/pool/policy.ts'
import { FRESH } from '../made-pool.ts'
import { backendAt, weightedPool } from './picks.ts'

/** What each of 1,000 backends has in flight after as many attempts for each unit of its weight; none of them ends. */
function loadsAfter (policy: PolicyFactory, weightOf: (index: number) => number): number[] {
  const pool = weightedPool(policy, Array.from({ length: 1000 }, (_, i) => weightOf(i)))
  const total = pool.backends.reduce((sum, { weight }) => sum + weight, 0)
  for (let i = 0; i < total; i++) {
    const backend = pool.pick(FRESH)
    if (backend !== undefined) pool.begin(backend)
  }
  return pool.backends.map(({ inFlight, weight }) => inFlight / weight)
}

t.test('far fewer backends are crowded, or idle, than with one random choice', async (t) => {
  const one = loadsAfter(random, () => 1)
  const two = loadsAfter(powerOfTwo, () => 1)
  const crowded = (loads: readonly number[]): number => loads.filter((load) => load >= 3).length
  const idle = (loads: readonly number[]): number => loads.filter((load) => load === 0).length
  // Theory, for 1,000: with one choice 80 crowded and 368 idle ones; with two 9 and 239.
  t.ok(crowded(one) > 60 && crowded(two) < 20, `crowded: ${crowded(one)}, ${crowded(two)}`)
  t.ok(idle(one) > 330 && idle(two) < 270, `idle: ${idle(one)}, ${idle(two)}`)
  t.ok(Math.max(...two) <= 3)
})

t.test('what counts is the load for each unit of weight', async (t) => {
  const loads = loadsAfter(powerOfTwo, (i) => i % 2 === 0 ? 10 : 30)
  t.ok(Math.max(...loads) <= 1.25 && Math.min(...loads) >= 0.5, `from ${Math.min(...loads)} to ${Math.max(...loads)}`)
})

t.test('of two backends the less loaded one is picked', async (t) => {
  const pool = weightedPool(powerOfTwo, [1, 1])
  pool.begin(backendAt(pool, 0))
  for (let i = 0; i < 100; i++) t.equal(pool.pick(FRESH)?.slot, 1)
})

t.test('of two the more loaded one is picked if the other was tried', async (t) => {
  const pool = weightedPool(powerOfTwo, [1, 1])
  pool.begin(backendAt(pool, 0))
  t.equal(pool.pick({ ...FRESH, tried: [backendAt(pool, 1)] })?.slot, 0)
})

t.test('it explains itself by what is in flight for each unit of weight', async (t) => {
  const pool = weightedPool(powerOfTwo, [1, 4])
  pool.begin(backendAt(pool, 1))
  t.strictSame(pool.policy.scores?.(backendAt(pool, 1), FRESH), { inFlight: 1, weight: 4, load: 0.25 })
})
