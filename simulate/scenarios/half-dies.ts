/** Half of the pool dies, and comes back cold. */
import type { Scenario } from '../types.ts'
import { alike, down, range, SECOND_MS, WEB } from './common.ts'

export const halfDies: Scenario = {
  name: 'half-dies',
  title: 'Half of the pool dies',
  about: 'Ten backends at 40%. In the 10th second five of them die, so that the others are at 80%; in the 25th they are back, and take ' +
    'four times as long at first, less and less so for 400 requests. One request in five must not be sent twice (POST).',
  options: {
    backends: alike(10, { ...WEB, warmUp: { requests: 400, factor: 4 } }),
    traffic: { arrivals: { ratePerS: 800 }, unsafeShare: 0.2 },
    durationMs: 45 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: down(range(0, 5), 10 * SECOND_MS, 25 * SECOND_MS)
  }
}
