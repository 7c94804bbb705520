/** One of four comes back cold, to all of its share at once or to a growing one. */
import type { Scenario } from '../types.ts'
import { alike, down, SECOND_MS, WEB } from './common.ts'

export const thunderingRecovery: Scenario = {
  name: 'thundering-recovery',
  title: 'A backend comes back cold',
  about: 'Four backends at 60%. One of them is gone from the 10th to the 20th second, and takes eight times as long when it is back, ' +
    'less and less so for 400 requests.',
  options: {
    backends: alike(4, { ...WEB, warmUp: { requests: 400, factor: 8 } }),
    traffic: { arrivals: { ratePerS: 480 } },
    durationMs: 50 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: down([0], 10 * SECOND_MS, 20 * SECOND_MS)
  }
}

export const slowStart: Scenario = {
  name: 'slow-start',
  title: 'A backend comes back cold, and its share grows slowly',
  about: 'As `thundering-recovery`, with `SLOW_START_MS=10000`.',
  options: { ...thunderingRecovery.options, settings: { SLOW_START_MS: 10_000 } }
}
