/** All backends are restarted, one after the other. */
import type { Scenario } from '../types.ts'
import { alike, down, range, SECOND_MS, WEB } from './common.ts'

export const rollingDeploy: Scenario = {
  name: 'rolling-deploy',
  title: 'A rolling deploy',
  about: 'Ten backends at 50%. Every four seconds the next one is killed with what it has in flight, is gone for two seconds, and takes ' +
    'four times as long when it is back, less and less so for 400 requests. One request in ten must not be sent twice (POST).',
  options: {
    backends: alike(10, { ...WEB, warmUp: { requests: 400, factor: 4 } }),
    traffic: { arrivals: { ratePerS: 1_000 }, unsafeShare: 0.1 },
    durationMs: 50 * SECOND_MS,
    warmUpMs: 2 * SECOND_MS,
    changes: range(0, 10).flatMap((backend) => down([backend], (5 + 4 * backend) * SECOND_MS, (7 + 4 * backend) * SECOND_MS))
  }
}
