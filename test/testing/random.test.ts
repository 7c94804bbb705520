import t from 'tap'
import { chiSquaredExcess } from '../../src/testing/chi-squared.ts'
import { seededRandom } from '../../src/testing/random.ts'

const draws = (random: () => number, count: number): number[] => Array.from({ length: count }, () => random())

t.test('the same seed and name give the same numbers', async (t) => {
  t.strictSame(draws(seededRandom(7, 'a'), 100), draws(seededRandom(7, 'a'), 100))
})

t.test('another seed or another name gives others', async (t) => {
  const first = draws(seededRandom(7, 'a'), 4)
  t.strictNotSame(draws(seededRandom(8, 'a'), 4), first)
  t.strictNotSame(draws(seededRandom(7, 'b'), 4), first)
  t.strictNotSame(draws(seededRandom(7), 4), first)
})

t.test('numbers lie from 0 to 1, everywhere equally often, also those of seeds beside each other', async (t) => {
  const numbers = Array.from({ length: 100 }, (_, seed) => draws(seededRandom(seed), 1_000)).flat()
  t.ok(numbers.every((number) => number >= 0 && number < 1))
  const counts = Array.from({ length: 64 }, () => 0)
  for (const number of numbers) counts[Math.floor(number * 64)] = (counts[Math.floor(number * 64)] ?? 0) + 1
  t.ok(chiSquaredExcess(counts, counts.map(() => 1)) < 1)
})

t.test('the first numbers of seeds beside each other have nothing to do with each other', async (t) => {
  const firsts = Array.from({ length: 10_000 }, (_, seed) => seededRandom(seed)())
  const pairs = Array.from({ length: 16 }, () => 0)
  for (const [i, first] of firsts.entries()) {
    const pair = 4 * Math.floor(4 * first) + Math.floor(4 * (firsts[i + 1] ?? 0))
    pairs[pair] = (pairs[pair] ?? 0) + 1
  }
  t.ok(chiSquaredExcess(pairs, pairs.map(() => 1)) < 1)
})
