import * as fc from 'fast-check'
import t from 'tap'
import { WeightedDraw } from '../../../src/pool/policies/weighted-draw.ts'
import { chiSquaredExcess } from '../../kit/chi-squared.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const SEED = 20_261_123
const LARGEST_RANDOM = 1 - 2 ** -53

function drawn (weights: readonly number[], randoms: Iterable<number>): number[] {
  const draw = new WeightedDraw(weights)
  const counts = weights.map(() => 0)
  for (const random of randoms) counts[draw.draw(random)] = (counts[draw.draw(random)] ?? 0) + 1
  return counts
}

t.test('each index is drawn as often as its weight has it', async (t) => {
  const random = seededRandom(1)
  const randoms = Array.from({ length: 50_000 }, random)
  for (const weights of [[1, 1, 1], [1, 2, 3, 4], [1000, 1, 30], [0.1, 1, 0.7]]) t.ok(chiSquaredExcess(drawn(weights, randoms), weights) < 1)
})

t.test('of numbers at even steps each index gets its part', async (t) => {
  const steps = 20_000
  const randoms = Array.from({ length: steps }, (_, i) => (i + 0.5) / steps)
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 30 }), (weights) => {
    const total = weights.reduce((sum, weight) => sum + weight)
    // Each column has up to one border within a step, and its own ends.
    return drawn(weights, randoms).every((count, i) => Math.abs(count - steps * (weights[i] ?? 0) / total) <= 2 * weights.length)
  }), { seed: SEED, numRuns: 50 })
  t.pass('whatever the weights')
})

t.test('the smallest and the largest number draw an index that there is', async (t) => {
  for (let size = 1; size < 200; size++) {
    for (const weights of [Array.from({ length: size }, () => 2), Array.from({ length: size }, (_, i) => i + 1)]) {
      const draw = new WeightedDraw(weights)
      if (draw.draw(0) < 0 || draw.draw(LARGEST_RANDOM) >= size) t.fail(`${size} weights`)
    }
  }
  t.pass('up to 200')
})

t.test('of nothing nothing is drawn', async (t) => {
  t.equal(new WeightedDraw([]).draw(0.5), -1)
})
