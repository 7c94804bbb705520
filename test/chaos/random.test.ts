import t from 'tap'
import { randomOf } from '../../chaos/load/random.ts'

const take = (count: number, seed: number): number[] => Array.from({ length: count }, randomOf(seed))

t.test('a seed gives the same numbers again, another one gives others', async (t) => {
  t.strictSame(take(10, 5), take(10, 5))
  t.notSame(take(10, 5), take(10, 6))
})

t.test('numbers are spread from 0 to below 1', async (t) => {
  const tenths = Array.from({ length: 10 }, () => 0)
  for (const number of take(10_000, 1)) tenths[Math.floor(number * 10)] = (tenths[Math.floor(number * 10)] ?? 0) + 1
  t.equal(tenths.length, 10)
  t.ok(tenths.every((count) => count > 900 && count < 1_100), tenths.join(', '))
})
