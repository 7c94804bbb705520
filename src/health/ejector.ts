/**
 * Takes backends out for a time because of their answers, and lets them back in on trial: passive health, and the circuit breaker of a
 * backend, in one. Any thread may eject; one thread, which judges, ends ejections.
 *
 * ```
 *              too many failures                      its time is over
 *   closed ───────────────────────────► ejected ───────────────────────────► on trial
 *     ▲                                    ▲                                   │  │
 *     │                                    └───────────── a failure ───────────┘  │
 *     └────────────────────── as many good answers as asked for ──────────────────┘
 * ```
 *
 * Each ejection lasts twice as long as the one before, up to a bound, until a backend has been at peace for as long as it was out. Never
 * more than a share of the pool is out at a time: when all fail, the backends are not what is broken.
 */
import type { Backend } from '../pool/backend.ts'
import type { Board } from '../pool/board.ts'
import { NOTE_TRIAL, NOTES, REASON_EJECTED, REASON_FULL } from '../pool/slots.ts'

export interface EjectionRules {
  /** How long the first ejection lasts, in ms. */
  readonly baseMs: number
  /** The longest one, in ms. */
  readonly maxMs: number
  /** The share of the pool's backends that may be out at a time, 0 to 1. */
  readonly maxRatio: number
}

/** What happened to a backend. */
export type EjectionEvent = 'ejected' | 'on trial' | 'restored'

export interface EjectorOptions {
  readonly backends: readonly Backend[]
  readonly board: Board
  readonly rules: EjectionRules
  /** Now, in ms since the epoch: threads have no other clock in common. */
  readonly wallClockMs: () => number
  /** Called in the thread that changed the backend's state. */
  readonly onEvent: (backend: Backend, event: EjectionEvent, reason: string) => void
}

/** An ejection of just now may have been timed a moment after the look for those that are over began, in ms. */
const CLOCK_SLACK_MS = 1_000

/** A trial whose places have all been taken for as long, in ms, gets others: what takes them may be a stream, or a tunnel. */
const TRIAL_PATIENCE_MS = 10_000

export class Ejector {
  readonly #options: EjectorOptions
  /** By slot: when the places of a trial were last seen not to be all taken, in ms since the epoch. */
  readonly #roomMs = new Map<number, number>()

  constructor (options: EjectorOptions) {
    this.#options = options
  }

  /** Ejects a backend; false if it is out already, too many are, or no other one is left to serve. */
  eject (backend: Backend, reason: string): boolean {
    const { board, wallClockMs, onEvent } = this.#options
    const { slot } = backend
    // Of threads that find it out at once one does it.
    if (this.#isFull(1) || this.#isLast(backend) || !board.set(slot, REASON_EJECTED)) return false
    if (this.#isFull(0) || this.#isLast(backend)) {
      // Another thread has ejected another backend in the same moment.
      board.clear(slot, REASON_EJECTED)
      return false
    }
    const nowMs = wallClockMs()
    const ejections = this.#repeats(slot, nowMs) + 1
    const forMs = this.#lengthMs(ejections)
    board.noteEjection(slot, ejections, nowMs + forMs)
    board.clear(slot, NOTE_TRIAL)
    board.forgetCounts(slot)
    onEvent(backend, 'ejected', `${reason}; out for ${forMs} ms`)
    return true
  }

  /** A backend on trial has shown that it is well; false if another thread was faster. */
  restore (backend: Backend, reason: string): boolean {
    const { board, wallClockMs, onEvent } = this.#options
    if (!board.clear(backend.slot, NOTE_TRIAL)) return false
    board.forgetCounts(backend.slot)
    board.noteAvailable(backend.slot, wallClockMs())
    onEvent(backend, 'restored', reason)
    return true
  }

  /** Ends ejections whose time is over. Called regularly by the thread that judges, and by no other. */
  endThoseOver (): void {
    const { backends, board, wallClockMs, onEvent } = this.#options
    const nowMs = wallClockMs()
    for (const backend of backends) {
      const { slot } = backend
      if (backend.isOnTrial) this.#lookAtTrial(backend, nowMs)
      if ((board.reasons(slot) & REASON_EJECTED) === 0) continue
      const untilMs = board.ejectedUntilMs(slot)
      // A thread that ended in the middle of it, or is just about to, has not said until when; the clock may have been set back, too.
      if (untilMs <= 0 || untilMs > nowMs + this.#lengthMs(board.ejections(slot)) + CLOCK_SLACK_MS) board.noteEjection(slot, board.ejections(slot), nowMs + this.#lengthMs(1))
      else if (untilMs <= nowMs) {
        // Below 0 from here on: the next ejection must not be taken for one that is over, before it has said until when it lasts.
        board.noteEjection(slot, board.ejections(slot), -untilMs)
        board.forgetCounts(slot)
        // What began before its trial says nothing of how it is now.
        board.setAside(slot, board.aside(slot), backend.inFlight)
        board.set(slot, NOTE_TRIAL)
        this.#roomMs.set(slot, nowMs)
        board.clear(slot, REASON_EJECTED)
        onEvent(backend, 'on trial', 'its time is over')
      }
    }
  }

  /** Has attempts of before a trial, or that outlast it, take no place of it: else it could not be decided until all of them are over. */
  #lookAtTrial (backend: Backend, nowMs: number): void {
    const { board } = this.#options
    const { slot, inFlight } = backend
    const aside = board.aside(slot)
    const roomMs = this.#roomMs.get(slot) ?? Infinity
    const isFull = (backend.reasons & REASON_FULL) !== 0
    if (inFlight < aside || (isFull && nowMs - roomMs >= TRIAL_PATIENCE_MS)) board.setAside(slot, aside, inFlight)
    else if (isFull && roomMs <= nowMs) return
    this.#roomMs.set(slot, nowMs)
  }

  /** Ejections before this one that still count. */
  #repeats (slot: number, nowMs: number): number {
    const { board } = this.#options
    const before = board.ejections(slot)
    return before > 0 && nowMs - Math.abs(board.ejectedUntilMs(slot)) < this.#lengthMs(before) ? before : 0
  }

  #lengthMs (ejections: number): number {
    const { baseMs, maxMs } = this.#options.rules
    return Math.min(maxMs, baseMs * 2 ** (ejections - 1))
  }

  /**
   * Whether nobody else serves: those that are full do. A backend that fails now and then is better than none, unless it was asked for that
   * all may be out.
   */
  #isLast (backend: Backend): boolean {
    const { backends, rules } = this.#options
    return rules.maxRatio < 1 && !backends.some((other) => other !== backend && (other.reasons & ~NOTES & ~REASON_FULL) === 0)
  }

  /** Whether `more` ejections would be too many. */
  #isFull (more: number): boolean {
    const { backends, board, rules } = this.#options
    const out = backends.filter(({ slot }) => (board.reasons(slot) & REASON_EJECTED) !== 0).length
    // A quotient is the number that its decimal is read as: 29 of 100 are 0.29, but 0.29 * 100 is less than 29.
    return (out + more) / backends.length > rules.maxRatio
  }
}
