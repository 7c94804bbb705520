/** What both policies that go by a key promise: the same key, the same backend, and few keys that move. */
import t from 'tap'
import type { Backend } from '../../../src/pool/backend.ts'
import { Counters } from '../../../src/pool/counters.ts'
import { boundedHash } from '../../../src/pool/policies/bounded-hash.ts'
import { consistentHash } from '../../../src/pool/policies/consistent-hash.ts'
import type { Pool } from '../../../src/pool/pool.ts'
import { chiSquaredExcess } from '../../kit/chi-squared.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { FRESH, madePool } from '../made-pool.ts'
import { backendAt, bringUp, keyOf, takeDown, weightedPool } from './picks.ts'

const nextKey = seededRandom(17)
const KEYS = Array.from({ length: 10_000 }, () => keyOf(nextKey))
const EVEN = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]

/** For each key the name of its backend. */
function places (pool: Pool, tried: readonly Backend[] = []): Array<string | undefined> {
  return KEYS.map((keyHash) => pool.pick({ tried, keyHash })?.url)
}

/** For each slot how many keys went there from one that `left` says. */
function arrivals (pool: Pool, before: ReadonlyArray<string | undefined>, left: string): number[] {
  const now = places(pool)
  return pool.backends.map(({ url }) => now.filter((place, key) => place === url && before[key] === left).length)
}

function moved (before: ReadonlyArray<string | undefined>, after: ReadonlyArray<string | undefined>): number {
  return before.filter((place, key) => place !== after[key]).length
}

for (const [name, policy] of [['consistent-hash', consistentHash], ['bounded-hash', boundedHash]] as const) {
  t.test(name, async (t) => {
    t.test('a key has the same backend each time, in every thread, and in whichever order backends are listed', async (t) => {
      const urls = EVEN.map((_, i) => `http://b${i}`)
      const counters = new Counters({ capacity: 10, rows: 2 })
      const other = new Counters({ capacity: 10, rows: 2, row: 1, memory: counters.memory })
      const first = places(madePool(urls, { policy, counters }))
      t.strictSame(places(madePool(urls, { policy, counters: other })), first)
      t.strictSame(places(madePool(urls.toReversed(), { policy })), first)
    })

    t.test('when one goes down its keys alone move, to all others evenly, and they are back when it is', async (t) => {
      const pool = weightedPool(policy, EVEN)
      const before = places(pool)
      const gone = backendAt(pool, 4)
      takeDown(pool, 4)
      t.equal(moved(before, places(pool)), before.filter((place) => place === gone.url).length)
      t.ok(chiSquaredExcess(arrivals(pool, before, gone.url), EVEN.with(4, 0)) < 1)
      bringUp(pool, 4)
      t.equal(moved(before, places(pool)), 0)
    })

    t.test('a second attempt goes where the key would go if the first backend were down', async (t) => {
      const pool = weightedPool(policy, EVEN)
      const second = places(pool, [backendAt(pool, 4)])
      takeDown(pool, 4)
      t.strictSame(second, places(pool))
    })

    t.test('when one joins few keys move but those that go to it', async (t) => {
      const before = places(weightedPool(policy, EVEN))
      const pool = weightedPool(policy, [...EVEN, 1])
      const after = places(pool)
      const gained = after.filter((place) => place === backendAt(pool, 10).url).length
      t.ok(Math.abs(gained / KEYS.length - 1 / 11) < 0.01, `${gained} of ${KEYS.length} go to it`)
      t.ok(moved(before, after) - gained < 0.01 * KEYS.length, `${moved(before, after) - gained} others move`)
    })

    t.test('when a weight changes, keys move about as its share does', async (t) => {
      const share = moved(places(weightedPool(policy, EVEN)), places(weightedPool(policy, EVEN.with(2, 3)))) / KEYS.length
      // It grows from 1/10 to 3/12.
      t.ok(share > 0.14 && share < 0.22, `${share}`)
    })

    t.test('a backend that warms up has all of its keys at once', async (t) => {
      const pool = weightedPool(policy, EVEN, { slowStartMs: 1000, wallClockMs: () => 1 })
      const before = places(pool)
      takeDown(pool, 3)
      pool.verdicts.judge(backendAt(pool, 3), true, 'answered 200', 1)
      t.ok(pool.isWarming && backendAt(pool, 3).ramp < 1)
      t.equal(moved(before, places(pool)), 0)
    })

    t.test('when next to all are down each of the few gets its part, and a key stays where it is', async (t) => {
      const pool = weightedPool(policy, Array.from({ length: 1000 }, () => 1))
      takeDown(pool, ...Array.from({ length: 996 }, (_, i) => i))
      const before = places(pool)
      const counts = pool.available.map(({ url }) => before.filter((place) => place === url).length)
      t.ok(chiSquaredExcess(counts, [1, 1, 1, 1]) < 1, counts.join())
      t.equal(moved(before, places(pool)), 0)
      const gone = backendAt(pool, 999).url
      takeDown(pool, 999)
      const after = places(pool)
      t.notOk(after.includes(gone))
    })

    t.test('it says whose a key is, available or not', async (t) => {
      const pool = weightedPool(policy, EVEN)
      const owner = pool.pick(FRESH)
      if (owner === undefined) throw new Error('nobody was picked')
      takeDown(pool, owner.slot)
      const owners = pool.backends.map((backend) => pool.policy.scores?.(backend, FRESH)['owner'])
      t.strictSame(owners, pool.backends.map((backend) => backend === owner ? 1 : 0))
    })
  })
}
