/** The time line of a play, and the clock that all of its processes share. */
import { setTimeout as wait } from 'node:timers/promises'

/** Load before the first moment that counts: the gateway compiles what is hot. */
export const WARM_UP_MS = 2_000

/** When the fault begins and ends, and when the load does, from the first moment that counts. */
export const BEGIN_MS = 2_000
export const END_MS = 6_000
export const STOP_MS = 10_000

/** What a play takes besides: the start of its processes, and answers that are waited for at its end. */
export const OVERHEAD_MS = 2_500

/** Of the system, so that processes can compare what they read, in ms. */
export function monotonicMs (): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Resolves at a moment of that clock, at once if it has passed. */
export async function until (momentMs: number): Promise<void> {
  await wait(Math.max(0, momentMs - monotonicMs()))
}
