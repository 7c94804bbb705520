/** Nothing happens: what randomness alone does to queues. */
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS } from './common.ts'

export const steady: Scenario = {
  name: 'steady',
  title: 'A quiet day',
  about: 'Ten backends that are alike, at 80% of what they can serve (1,600 requests a second). Nothing happens.',
  options: { backends: alike(10), traffic: { arrivals: { ratePerS: 1_600 } }, durationMs: 30 * SECOND_MS, warmUpMs: 5 * SECOND_MS }
}
