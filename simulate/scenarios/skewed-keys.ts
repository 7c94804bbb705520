/** A few keys that are most of the load. */
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS } from './common.ts'

export const skewedKeys: Scenario = {
  name: 'skewed-keys',
  title: 'A key that is more than one backend can serve',
  about: 'Ten backends at 50%, without caches. Of 1,000 keys (Zipf, 1.2) one is asked for by a quarter of the requests: more than a ' +
    'backend can serve.',
  options: {
    backends: alike(10),
    traffic: { arrivals: { ratePerS: 1_000 }, keys: { count: 1_000, exponent: 1.2 } },
    durationMs: 30 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS
  }
}
