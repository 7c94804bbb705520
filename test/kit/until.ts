/** Waits for what will happen, without guessing how long it takes. */
import { setTimeout as wait } from 'node:timers/promises'

const POLL_MS = 2
const DEFAULT_BOUND_MS = 15_000

/** Polls until `probe` gives something truthy, and returns it; fails, naming what was waited for, after `boundMs`. */
export async function until<Result> (what: string, probe: () => Result | Promise<Result>, boundMs = DEFAULT_BOUND_MS): Promise<Result> {
  const deadlineMs = performance.now() + boundMs
  for (;;) {
    const result = await probe()
    if (result) return result
    if (performance.now() > deadlineMs) throw new Error(`waited ${boundMs} ms in vain: ${what}`)
    await wait(POLL_MS)
  }
}

/** Fails, naming what was waited for, when `promise` takes longer than `boundMs`. */
export async function within<Result> (what: string, promise: Promise<Result>, boundMs = DEFAULT_BOUND_MS): Promise<Result> {
  const cancel = new AbortController()
  const late = wait(boundMs, undefined, { signal: cancel.signal }).then(() => { throw new Error(`waited ${boundMs} ms in vain: ${what}`) })
  try {
    return await Promise.race([promise, late])
  } finally {
    late.catch(() => {})
    cancel.abort()
  }
}
