import * as fc from 'fast-check'
import t from 'tap'
import { smoothOrder } from '../../../src/pool/policies/smooth-order.ts'

const SEED = 20_261_123

function countsOf (order: Int32Array, size: number): number[] {
  const counts = Array.from({ length: size }, () => 0)
  for (const i of order) counts[i] = (counts[i] ?? 0) + 1
  return counts
}

/** The longest way from one turn of each to its next, the last to the first one included, in parts of the even way. */
function longestGaps (order: Int32Array, size: number): number[] {
  const counts = countsOf(order, size)
  const lastSeen = Array.from({ length: size }, () => Number.NaN)
  const longest = Array.from({ length: size }, () => 0)
  for (let turn = 0; turn < 2 * order.length; turn++) {
    const i = order[turn % order.length] ?? -1
    const gap = turn - (lastSeen[i] ?? Number.NaN)
    if (gap > (longest[i] ?? 0)) longest[i] = gap
    lastSeen[i] = turn
  }
  return longest.map((gap, i) => gap * (counts[i] ?? 0) / order.length)
}

t.test('weights of 5, 1 and 1 take turns as a a b a c a a, as with nginx', async (t) => {
  t.strictSame([...smoothOrder([5, 1, 1])], [0, 0, 1, 0, 2, 0, 0])
})

t.test('equal weights take turns in their order, however many they are', async (t) => {
  for (const size of [1, 4, 3000]) t.strictSame([...smoothOrder(Array.from({ length: size }, () => 7))], Array.from({ length: size }, (_, i) => i))
})

t.test('without weights there are no turns', async (t) => {
  t.strictSame([...smoothOrder([])], [])
})

t.test('each has as many turns in a cycle as its weight says, and the cycle is as short as can be', async (t) => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }), (weights) => {
    const counts = countsOf(smoothOrder(weights), weights.length)
    const factor = (weights[0] ?? 1) / (counts[0] ?? 1)
    return Number.isInteger(factor) && counts.every((count, i) => count * factor === weights[i])
  }), { seed: SEED })
  t.strictSame(countsOf(smoothOrder([1000, 500, 250]), 3), [4, 2, 1])
})

t.test('weights that are no whole numbers count in hundredths, and none counts for nothing', async (t) => {
  t.strictSame(countsOf(smoothOrder([0.5, 1, 0.25]), 3), [2, 4, 1])
  t.strictSame(countsOf(smoothOrder([0.001, 1]), 2), [1, 100])
})

t.test('weights that need a long cycle are rounded, to next to nothing', async (t) => {
  const weights = [997, 991, 983, 977, 971, 1]
  const order = smoothOrder(weights)
  t.ok(order.length < 4200)
  const total = weights.reduce((sum, weight) => sum + weight)
  for (const [i, count] of countsOf(order, weights.length).entries()) t.ok(Math.abs(count - (weights[i] ?? 0) * order.length / total) <= 1)
})

t.test('one heavy among many light ones takes its turns evenly, and they do not come in heaps', async (t) => {
  const weights = Array.from({ length: 9000 }, (_, i) => i === 4321 ? 1000 : 1)
  const order = smoothOrder(weights)
  t.strictSame(countsOf(order, weights.length), weights)
  t.ok((longestGaps(order, weights.length)[4321] ?? Infinity) < 1.3)
})

t.test('among many of different weights nobody waits for more than twice as long as it would at even steps', async (t) => {
  const weights = Array.from({ length: 3000 }, (_, i) => 1 + i * i % 17)
  const order = smoothOrder(weights)
  t.strictSame(countsOf(order, weights.length), weights)
  t.ok(Math.max(...longestGaps(order, weights.length)) < 2)
})
