import t from 'tap'
import { RandomChoice } from '../../../src/pool/policies/random-choice.ts'
import { random } from '../../../src/pool/policies/random.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { backendAt, weightedPool } from './picks.ts'

t.test('one beside another is any other one that was not tried', async (t) => {
  const pool = weightedPool(random, [1, 2, 3, 4])
  const choice = new RandomChoice(seededRandom(1))
  choice.rebuild(pool.available)
  const seen = new Set(Array.from({ length: 300 }, () => choice.nextBeside(backendAt(pool, 0), [backendAt(pool, 3)])?.slot))
  t.ok(seen.size === 2 && seen.has(1) && seen.has(2))
})

t.test('beside the only one there is none', async (t) => {
  const pool = weightedPool(random, [1])
  const choice = new RandomChoice(seededRandom(1))
  choice.rebuild(pool.available)
  t.equal(choice.nextBeside(backendAt(pool, 0), []), undefined)
})

t.test('when luck hits none but those that were tried, another is taken all the same', async (t) => {
  const pool = weightedPool(random, [1, 1, 1])
  const choice = new RandomChoice(() => 0)
  choice.rebuild(pool.available)
  t.equal(choice.next([])?.slot, 0)
  t.equal(choice.next([backendAt(pool, 0)])?.slot, 1)
  t.equal(choice.next([backendAt(pool, 0), backendAt(pool, 1)])?.slot, 2)
})

t.test('beside one that luck hits each time there is none: nobody waits for ever', async (t) => {
  const pool = weightedPool(random, [1, 1])
  const choice = new RandomChoice(() => 0)
  choice.rebuild(pool.available)
  t.equal(choice.nextBeside(backendAt(pool, 0), []), undefined)
})
