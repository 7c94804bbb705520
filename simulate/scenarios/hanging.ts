/** One of ten freezes, and is killed for it in the end. */
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS } from './common.ts'

export const hanging: Scenario = {
  name: 'hanging-backend',
  title: 'One backend hangs',
  about: 'Ten backends at 60%. In the 10th second one of them freezes: it takes requests and probes, and answers none. In the 30th it ' +
    'is killed, in the 32nd it is back. One request in ten must not be sent twice (POST).',
  options: {
    backends: alike(10),
    traffic: { arrivals: { ratePerS: 1_200 }, unsafeShare: 0.1 },
    durationMs: 40 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: [
      { atMs: 10 * SECOND_MS, backends: [0], state: { mode: 'hangs' } },
      { atMs: 30 * SECOND_MS, backends: [0], state: { mode: 'refuses' } },
      { atMs: 32 * SECOND_MS, backends: [0], state: { mode: 'serves' } }
    ]
  }
}
