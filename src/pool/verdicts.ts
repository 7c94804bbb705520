/** What is decided of backends, off the path of requests: verdicts of probes, and who is drained. It stands on the board, for all threads; each pool sees it when it looks. */
import type { Backend } from './backend.ts'
import type { Board } from './board.ts'
import { NOTE_JUDGED, REASON_DOWN, REASON_DRAIN_SELF, REASON_DRAINING, REASONS_OF_DRAINING } from './slots.ts'

export class Verdicts {
  readonly #board: Board
  readonly #drainsByAnswer: boolean

  /** `drainsByAnswer`: whether backends may ask in their answers to be drained. */
  constructor (board: Board, drainsByAnswer = true) {
    this.#board = board
    this.#drainsByAnswer = drainsByAnswer
  }

  /** Takes a verdict on a backend's health, for all threads; true if it is news. One thread judges: the one that probes. */
  judge (backend: Backend, healthy: boolean, reason: string, nowMs: number): boolean {
    if (backend.judged && backend.healthy === healthy) return false
    this.explain(backend, reason, nowMs)
    const { slot } = backend
    // First, so that whoever sees that it is back knows since when.
    if (healthy && !backend.healthy) this.#board.noteAvailable(slot, nowMs)
    if (healthy) this.#board.clear(slot, REASON_DOWN)
    else this.#board.set(slot, REASON_DOWN)
    this.#board.set(slot, NOTE_JUDGED)
    return true
  }

  /**
   * Gives a backend no new request from now on, in any thread; those in flight finish. True if it is news. Called by the thread that
   * judges, as `undrain` is.
   */
  drain (backend: Backend, reason: string, nowMs: number): boolean {
    if (!this.#board.set(backend.slot, REASON_DRAINING)) return false
    this.explain(backend, reason, nowMs)
    return true
  }

  /** Takes `drain` back. True if it is news; if the backend asks to be drained itself, it still is. */
  undrain (backend: Backend, reason: string, nowMs: number): boolean {
    return this.#endDrain(backend, REASON_DRAINING, reason, nowMs)
  }

  /** A backend has asked to be drained, in an answer: in whichever thread that came. Who judges explains it to the others. Without effect if none may. */
  drainAsAsked (backend: Backend): void {
    if (this.#drainsByAnswer) this.#board.set(backend.slot, REASON_DRAIN_SELF)
  }

  /** A backend does not ask to be drained any more. True if it is news. */
  undrainAsAsked (backend: Backend, reason: string, nowMs: number): boolean {
    return this.#endDrain(backend, REASON_DRAIN_SELF, reason, nowMs)
  }

  /** Notes when and why another thread has decided something of a backend: what it is stands on the board. */
  explain (backend: Backend, reason: string, nowMs: number): void {
    backend.reason = reason
    backend.sinceMs = nowMs
  }

  #endDrain (backend: Backend, bit: number, reason: string, nowMs: number): boolean {
    const asked = backend.reasons & REASONS_OF_DRAINING
    if ((asked & bit) === 0) return false
    if (asked === bit) {
      this.explain(backend, reason, nowMs)
      // First, so that whoever sees that it is back knows since when.
      this.#board.noteAvailable(backend.slot, nowMs)
    }
    this.#board.clear(backend.slot, bit)
    return true
  }
}
