/** A backend: one origin that serves requests, with its health and its slot in the shared counters. */
import type { Counters } from './counters.ts'

/** What `GET /-/status` says of a backend. */
export interface BackendStatus {
  readonly url: string
  readonly healthy: boolean
  readonly inFlight: number
  readonly requests: number
  readonly failures: number
  /** When it became healthy or unhealthy, ISO 8601. */
  readonly since: string
  readonly reason: string
}

export class Backend {
  /** The origin, `http://host:port`. */
  readonly url: string
  /** Its index into the shared counters, and its place in the pool's order. */
  readonly slot: number
  readonly #counters: Counters

  /** Set by the pool alone. */
  healthy = true
  /** Whether a probe has judged it yet; until then it counts as healthy. */
  judged = false
  /** When `healthy` was last decided anew, in ms since the epoch. */
  sinceMs: number
  /** Why it is in the state that it is in. */
  reason = 'not probed yet'
  /** Its index among the available backends, -1 when it is not available. Set by the pool alone. */
  position = -1

  constructor (url: string, slot: number, counters: Counters, nowMs: number) {
    this.url = url
    this.slot = slot
    this.#counters = counters
    this.sinceMs = nowMs
  }

  /** Whether it may be picked. */
  get available (): boolean {
    return this.healthy
  }

  /** Attempts in flight. */
  get inFlight (): number {
    return this.#counters.inFlight(this.slot)
  }

  status (): BackendStatus {
    return {
      url: this.url,
      healthy: this.healthy,
      inFlight: this.inFlight,
      requests: this.#counters.requests(this.slot),
      failures: this.#counters.failures(this.slot),
      since: new Date(this.sinceMs).toISOString(),
      reason: this.reason
    }
  }
}
