/** More than all backends can serve, for a while: queues at the backends, or in the gateway. */
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS, WEB } from './common.ts'

export const burst: Scenario = {
  name: 'burst',
  title: 'A burst over capacity',
  about: 'Ten backends that can serve 2,000 requests a second, each of which lets 100 wait and answers more with 503. 1,200 come, but ' +
    '3,000 from the 10th to the 15th second. Clients leave after five seconds.',
  options: {
    backends: alike(10, { ...WEB, maxWaiting: 100 }),
    traffic: { arrivals: { ratePerS: 1_200 }, patienceMs: 5 * SECOND_MS },
    durationMs: 35 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: [{ atMs: 10 * SECOND_MS, ratePerS: 3_000 }, { atMs: 15 * SECOND_MS, ratePerS: 1_200 }]
  }
}

export const burstLimited: Scenario = {
  name: 'burst-limited',
  title: 'A burst over capacity, which waits in the gateway',
  about: 'As `burst`, with `max=8` for each backend: what they have no room for waits in the gateway (`QUEUE_MAX`, `QUEUE_TIMEOUT_MS`), ' +
    'and goes to whichever has room first.',
  options: { ...burst.options, backends: alike(10, { ...WEB, maxWaiting: 100, maxInFlight: 8 }) }
}
