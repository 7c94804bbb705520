/** Ten thousand backends, of which some are slow and some die. */
import { lognormal } from '../../src/testing/index.ts'
import type { Scenario } from '../types.ts'
import { alike, range, SECOND_MS } from './common.ts'

export const manyBackends: Scenario = {
  name: 'many-backends',
  title: 'Ten thousand backends',
  about: 'One gateway before 10,000 backends, each of which works on one request at a time, for two seconds on average: 60% of what ' +
    'they can serve (3,000 requests a second). 100 of them take five times as long; 20 others die in the 10th second. There are no ' +
    'probes: answers alone say who is well.',
  options: {
    backends: alike(10_000, { servers: 1, service: lognormal({ meanMs: 2 * SECOND_MS }) }),
    traffic: { arrivals: { ratePerS: 3_000 } },
    probes: false,
    durationMs: 25 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: [
      { atMs: 0, backends: range(0, 100), state: { slowness: 5 } },
      { atMs: 10 * SECOND_MS, backends: range(100, 20), state: { mode: 'refuses' } }
    ]
  }
}
