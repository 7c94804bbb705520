/** The first group fails in two steps, and the second one takes over. */
import type { Scenario } from '../types.ts'
import { alike, down, range, SECOND_MS, WEB } from './common.ts'

export const backupGroup: Scenario = {
  name: 'backup-group',
  title: 'A backup group takes over',
  about: 'Six backends at 60%, and three of twice their size with `backup`; `PRIORITY_MIN_RATIO=0.6`. In the 10th second three of the ' +
    'six die, in the 20th the others, in the 30th all are back.',
  options: {
    backends: [...alike(6), ...alike(3, { ...WEB, servers: 8, weight: 2, priority: 1 })],
    traffic: { arrivals: { ratePerS: 720 } },
    settings: { PRIORITY_MIN_RATIO: 0.6 },
    durationMs: 45 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: [...down(range(0, 3), 10 * SECOND_MS, 30 * SECOND_MS), ...down(range(3, 3), 20 * SECOND_MS, 30 * SECOND_MS)]
  }
}
