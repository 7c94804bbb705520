/** Pools for tests: with the clock and the randomness of the process unless they are given. */
import { Pool, type PoolOptions } from '../../src/pool/pool.ts'

/** A pool of these origins, as they were when the clock said 0 unless `options` say otherwise. */
export function madePool (urls: readonly string[], options: Partial<PoolOptions> = {}): Pool {
  return new Pool({ name: 'main', backends: urls.map((url) => ({ url })), nowMs: 0, random: Math.random, monotonicMs: () => performance.now(), ...options })
}

/** A request that has tried nothing yet. */
export const FRESH = { tried: [], keyHash: 0 }
