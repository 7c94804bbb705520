import { AssertionError } from 'node:assert'
import t from 'tap'
import { assertShares, builtInPolicy, countPicks, keysMoved, placesOf, type Pool, poolUnderTest, setHealth } from '../../src/testing/index.ts'

const KEYS = Array.from({ length: 2_000 }, (_, i) => `user-${i}`)

const pool = (policy: string, weights: readonly number[]): Pool => poolUnderTest({ policy: builtInPolicy(policy), weights })

t.test('picks are counted by slot', async (t) => {
  t.strictSame(countPicks(pool('round-robin', [1, 1, 1]), 300), [100, 100, 100])
  t.strictSame(countPicks(pool('weighted-round-robin', [1, 2]), 300), [100, 200])
})

t.test('nobody to pick is no count', async (t) => {
  t.throws(() => countPicks(pool('random', []), 1), AssertionError)
})

t.test('health is set as probes would', async (t) => {
  const three = pool('round-robin', [1, 1, 1])
  setHealth(three, [0, 2], false)
  t.strictSame(countPicks(three, 10), [0, 10, 0])
  setHealth(three, [0], true)
  t.strictSame(countPicks(three, 10), [5, 5, 0])
  t.throws(() => setHealth(three, [3], true), { message: /no backend in slot 3: there are 3/ })
})

t.test('shares that chance explains pass, others do not', async (t) => {
  assertShares(countPicks(pool('random', [1, 2, 5]), 10_000), [1, 2, 5])
  t.throws(() => assertShares([480, 520, 0], [1, 1, 1]), { name: 'AssertionError', message: /chi-squared is \d+\.\d times/, actual: [480, 520, 0] })
  t.throws(() => assertShares([5_300, 4_700], [1, 1]), AssertionError)
  t.doesNotThrow(() => assertShares([5_100, 4_900], [1, 1]))
})

t.test('keys that have another place than before have moved', async (t) => {
  const ten = pool('consistent-hash', Array.from({ length: 10 }, () => 1))
  const before = placesOf(ten, KEYS)
  t.equal(keysMoved(before, placesOf(ten, KEYS)), 0)
  setHealth(ten, [3], false)
  const moved = keysMoved(before, placesOf(ten, KEYS))
  t.equal(moved, before.filter((url) => url === ten.backends[3]?.url).length / KEYS.length, 'those of the one that is gone, and no others')
  t.ok(moved > 0.05 && moved < 0.15)
})

t.test('a policy that is not there is refused with those that are', async (t) => {
  t.throws(() => builtInPolicy('p2c'), { message: /no built-in policy "p2c": there are .*power-of-two/ })
})
