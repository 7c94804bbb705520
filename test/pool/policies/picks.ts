/** What tests of policies do to pools: take backends down, count picks. */
import type { Backend, BackendSpec } from '../../../src/pool/backend.ts'
import type { PolicyFactory } from '../../../src/pool/policy.ts'
import type { Pool, PoolOptions } from '../../../src/pool/pool.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { madePool } from '../made-pool.ts'

/** A pool with one backend for each weight; its randomness is the same in every run. */
export function weightedPool (policy: PolicyFactory, weights: readonly number[], options: Partial<PoolOptions> = {}): Pool {
  return madePool([], { policy, backends: weights.map(backendSpec), random: seededRandom(7), ...options })
}

export function backendAt (pool: Pool, slot: number): Backend {
  const backend = pool.backends[slot]
  if (backend === undefined) throw new Error(`no backend in slot ${slot}`)
  return backend
}

export function takeDown (pool: Pool, ...slots: number[]): void {
  for (const slot of slots) pool.verdicts.judge(backendAt(pool, slot), false, 'answered 500', 0)
}

export function bringUp (pool: Pool, ...slots: number[]): void {
  for (const slot of slots) pool.verdicts.judge(backendAt(pool, slot), true, 'answered 200', 0)
}

/** How often each backend was picked, by slot, each time for another key; fails if none was. */
export function tally (pool: Pool, picks: number, tried: readonly Backend[] = []): number[] {
  const nextKey = seededRandom(11)
  const counts = pool.backends.map(() => 0)
  for (let i = 0; i < picks; i++) {
    const slot = pool.pick({ tried, keyHash: keyOf(nextKey) })?.slot
    if (slot === undefined) throw new Error('nobody was picked')
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}

/** A whole number from 0 to 2^32 - 1. */
export function keyOf (random: () => number): number {
  return Math.floor(random() * 2 ** 32)
}

function backendSpec (weight: number, index: number): BackendSpec {
  return { url: `http://10.1.${index >> 8}.${index & 255}:8080`, weight }
}
