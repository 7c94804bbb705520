/** Backends with caches, each too small for all keys: what a key's own backend is worth. */
import { lognormal } from '../../src/testing/index.ts'
import type { Scenario } from '../types.ts'
import { alike, down, SECOND_MS } from './common.ts'

export const coldCache: Scenario = {
  name: 'cold-cache',
  title: 'Caches that begin cold',
  about: 'Ten backends, each of which remembers 2,000 of 10,000 keys (Zipf, 0.8): 2 ms for what it has, 40 ms for what it has not. All ' +
    'begin cold; in the 15th second one of them is restarted, and cold again. 1,500 requests a second.',
  options: {
    backends: alike(10, { servers: 4, service: lognormal({ meanMs: 40 }), cache: { keys: 2_000, hit: lognormal({ meanMs: 2 }) } }),
    traffic: { arrivals: { ratePerS: 1_500 }, keys: { count: 10_000, exponent: 0.8 } },
    durationMs: 30 * SECOND_MS,
    changes: down([0], 15 * SECOND_MS, 16 * SECOND_MS)
  }
}
