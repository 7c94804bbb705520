/** A backend: one origin that serves requests, with its health and its slot in the shared counters. */
import type { Board } from './board.ts'
import type { Counters } from './counters.ts'
import { NOTE_JUDGED, REASON_DOWN } from './slots.ts'

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

/** What a backend shares with the other threads. */
export interface BackendMemory {
  readonly board: Board
  readonly counters: Counters
}

export class Backend {
  /** The origin, `http://host:port`. */
  readonly url: string
  /** Its index into the shared counters and the board, and its place in the pool's order. */
  readonly slot: number
  readonly #counters: Counters
  readonly #board: Board

  /** When `healthy` was last decided anew, in ms since the epoch. With several threads it may follow `healthy` a moment later. */
  sinceMs: number
  /** Why it is in the state that it is in. With several threads it may follow `healthy` a moment later. */
  reason = 'not probed yet'
  /** Its index among the available backends, -1 when it is not available. Set by the pool alone. */
  position = -1

  constructor (url: string, slot: number, { board, counters }: BackendMemory, nowMs: number) {
    this.url = url
    this.slot = slot
    this.#board = board
    this.#counters = counters
    this.sinceMs = nowMs
  }

  /** What its probes say; healthy as long as none has ended. */
  get healthy (): boolean {
    return (this.#board.reasons(this.slot) & REASON_DOWN) === 0
  }

  /** Whether a probe has judged it yet; until then it counts as healthy. */
  get judged (): boolean {
    return (this.#board.reasons(this.slot) & NOTE_JUDGED) !== 0
  }

  /** Whether it may be picked: there is no reason against it. */
  get available (): boolean {
    return (this.#board.reasons(this.slot) & ~NOTE_JUDGED) === 0
  }

  /** Attempts in flight, over all threads. */
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
