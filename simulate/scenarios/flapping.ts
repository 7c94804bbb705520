/** A backend that crashes as soon as it is up. */
import type { Scenario } from '../types.ts'
import { alike, down, range, SECOND_MS } from './common.ts'

export const flapping: Scenario = {
  name: 'flapping-backend',
  title: 'One backend flaps',
  about: 'Ten backends at 60%. From the 10th to the 38th second one of them is gone for two seconds out of four. One request in ten ' +
    'must not be sent twice (POST).',
  options: {
    backends: alike(10),
    traffic: { arrivals: { ratePerS: 1_200 }, unsafeShare: 0.1 },
    durationMs: 45 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: range(0, 7).flatMap((round) => down([0], (10 + 4 * round) * SECOND_MS, (12 + 4 * round) * SECOND_MS))
  }
}
