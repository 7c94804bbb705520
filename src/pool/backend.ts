/** A backend: one origin that serves requests, with its health and its slot in the shared counters. */
import type { Board } from './board.ts'
import type { Counters } from './counters.ts'
import { NOTE_JUDGED, NOTE_TRIAL, NOTES, REASON_DOWN, REASON_EJECTED, REASON_FULL, REASONS_OF_DRAINING } from './slots.ts'

/** A backend as it is configured. */
export interface BackendSpec {
  /** The origin, `http://host:port`. */
  readonly url: string
  /** Its share beside the others', 1 to 1000; default 1. */
  readonly weight?: number
  /** Its group: those of a higher number step in when too little of the lower ones is available. 0 or more; default 0. */
  readonly priority?: number
  /** Most attempts in flight at a time, over all threads; default 0: any number. */
  readonly maxInFlight?: number
  /** Where its probe goes instead: an origin, and behind it a path if it has one of its own. */
  readonly probe?: string
}

/**
 * What is the matter with a backend, in a word; of several the first that holds. draining: it finishes what it has. down: its probes say so.
 * ejected: its answers do. full: it has as many attempts in flight as it may. trial: it was ejected, and gets a few. up: none of these.
 */
export type BackendState = 'draining' | 'down' | 'ejected' | 'full' | 'trial' | 'up'

/** The bits that stand for each, in the order in which they are looked at. */
const STATES: ReadonlyArray<readonly [bits: number, state: BackendState]> = [
  [REASONS_OF_DRAINING, 'draining'], [REASON_DOWN, 'down'], [REASON_EJECTED, 'ejected'], [REASON_FULL, 'full'], [NOTE_TRIAL, 'trial']
]

/** What `GET /-/status` says of a backend. */
export interface BackendStatus {
  readonly url: string
  readonly state: BackendState
  readonly weight: number
  readonly priority: number
  readonly healthy: boolean
  readonly inFlight: number
  readonly requests: number
  readonly failures: number
  /** Of `requests` those that were not the first attempts for a client's request. */
  readonly retries: number
  /** When something happened to it last: it came up, went down, was ejected, drained, ..., ISO 8601. */
  readonly since: string
  /** Why. */
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
  /** Its share beside the others', as configured. */
  readonly weight: number
  /** Its group: 0 is asked first. */
  readonly priority: number
  /** Most attempts in flight at a time, over all threads; 0: any number. */
  readonly maxInFlight: number
  /** Where its probe goes, if it goes elsewhere. */
  readonly probe: string | undefined
  readonly #counters: Counters
  readonly #board: Board

  /** When it last came up, went down, or began or ceased to be drained, in ms since the epoch. With several threads it may follow a moment later. */
  sinceMs: number
  /** Why. With several threads it may follow a moment later. */
  reason = 'not probed yet'
  /** Its index among those that may be picked: active ones first, spare ones behind them; -1 when it is neither. Set by the pool alone. */
  position = -1
  /** The part of its weight that it gets for now, above 0 and up to 1: less while it is being warmed up. Set by the pool alone. */
  ramp = 1
  /** Most attempts in flight for now; 0: any number. Set by the pool alone. */
  limit = 0

  constructor ({ url, weight = 1, priority = 0, maxInFlight = 0, probe }: BackendSpec, slot: number, { board, counters }: BackendMemory, nowMs: number) {
    this.url = url
    this.slot = slot
    this.weight = weight
    this.priority = priority
    this.maxInFlight = maxInFlight
    this.probe = probe
    this.#board = board
    this.#counters = counters
    this.sinceMs = nowMs
  }

  /** What its probes say; healthy as long as none has ended. */
  get healthy (): boolean {
    return (this.reasons & REASON_DOWN) === 0
  }

  /** Whether a probe has judged it yet; until then it counts as healthy. */
  get judged (): boolean {
    return (this.reasons & NOTE_JUDGED) !== 0
  }

  /** Its word on the board: what speaks against it, and notes. */
  get reasons (): number {
    return this.#board.reasons(this.slot)
  }

  /** Whether nothing speaks against it. */
  get available (): boolean {
    return (this.reasons & ~NOTES) === 0
  }

  /** Whether it was ejected and has to show that it is well. */
  get isOnTrial (): boolean {
    return (this.reasons & NOTE_TRIAL) !== 0
  }

  /** Whether it gets no new request, so that it can finish what it has. */
  get isDraining (): boolean {
    return (this.reasons & REASONS_OF_DRAINING) !== 0
  }

  /** What is the matter with it, in a word. */
  get state (): BackendState {
    const { reasons } = this
    return STATES.find(([bits]) => (reasons & bits) !== 0)?.[1] ?? 'up'
  }

  /** The share that it gets now beside the others. */
  get currentWeight (): number {
    return this.weight * this.ramp
  }

  /** Attempts in flight, over all threads. */
  get inFlight (): number {
    return this.#counters.inFlight(this.slot)
  }

  status (): BackendStatus {
    return {
      url: this.url,
      state: this.state,
      weight: this.weight,
      priority: this.priority,
      healthy: this.healthy,
      inFlight: this.inFlight,
      requests: this.#counters.requests(this.slot),
      failures: this.#counters.failures(this.slot),
      retries: this.#counters.retries(this.slot),
      since: new Date(this.sinceMs).toISOString(),
      reason: this.reason
    }
  }
}
