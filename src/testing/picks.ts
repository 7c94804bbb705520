/** Who was picked: pools without a gateway, and what tests say of a policy's picks. */
import { AssertionError } from 'node:assert'
import type { Backend } from '../pool/backend.ts'
import { hashText } from '../pool/hash.ts'
import type { PolicyFactory } from '../pool/policy.ts'
import { Pool } from '../pool/pool.ts'
import { chiSquaredExcess } from './chi-squared.ts'
import { seededRandom } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface PoolUnderTestOptions {
  readonly policy: PolicyFactory
  /** One backend for each: `http://backend-1.test:8080` and so on. */
  readonly weights: readonly number[]
  /** A whole number; default 1. */
  readonly seed?: number
  /** Default: one of its own, which stands still. */
  readonly clock?: VirtualClock
}

const TWO_POWER_32 = 2 ** 32

/** A pool of available backends, with randomness and time that are the test's. */
export function poolUnderTest ({ policy, weights, seed = 1, clock = new VirtualClock() }: PoolUnderTestOptions): Pool {
  return new Pool({
    name: 'under test',
    backends: weights.map((weight, index) => ({ url: `http://backend-${index + 1}.test:8080`, weight })),
    nowMs: clock.wallClockMs(),
    policy,
    random: seededRandom(seed),
    monotonicMs: clock.nowMs,
    wallClockMs: clock.wallClockMs
  })
}

/** Takes backends down, or brings them up, as probes would. */
export function setHealth (pool: Pool, slots: readonly number[], healthy: boolean): void {
  for (const slot of slots) pool.verdicts.judge(backendAt(pool, slot), healthy, 'a test says so', 0)
}

/** By slot, how often each backend is picked for so many requests, each of which has another key and tries once. Throws if nobody is picked. */
export function countPicks (pool: Pool, requests: number, seed = 1): number[] {
  const random = seededRandom(seed, 'keys')
  const counts = pool.backends.map(() => 0)
  for (let i = 0; i < requests; i++) {
    const slot = pool.pick({ tried: [], keyHash: Math.floor(random() * TWO_POWER_32) })?.slot
    if (slot === undefined) throw new AssertionError({ message: 'nobody was picked' })
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}

/** For each key the URL of the backend that is picked for it; undefined if none is. */
export function placesOf (pool: Pool, keys: readonly string[]): Array<string | undefined> {
  return keys.map((key) => pool.pick({ tried: [], keyHash: hashText(key) })?.url)
}

/** The share of keys (0 to 1) that have another place than before. */
export function keysMoved (before: ReadonlyArray<string | undefined>, after: ReadonlyArray<string | undefined>): number {
  return before.filter((place, i) => place !== after[i]).length / before.length
}

/** Throws an AssertionError if `counts` differ from `shares` (which need not add up to 1) by more than chance explains: of fair ones 1 in 30,000 fails. */
export function assertShares (counts: readonly number[], shares: readonly number[]): void {
  const excess = chiSquaredExcess(counts, shares)
  if (excess <= 1) return
  throw new AssertionError({
    message: `not in these shares: chi-squared is ${excess.toFixed(1)} times what chance explains`, actual: counts, expected: shares, operator: 'assertShares'
  })
}

function backendAt (pool: Pool, slot: number): Backend {
  const backend = pool.backends[slot]
  if (backend === undefined) throw new RangeError(`no backend in slot ${slot}: there are ${pool.backends.length}`)
  return backend
}
