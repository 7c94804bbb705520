/**
 * What a pool goes by of its backends: their reasons, limits and shares, read off the board when it has changed. With limits that is nearly
 * every request, so that each backend is read once, and those that stay full are not counted again.
 */
import type { Backend } from './backend.ts'
import type { Board } from './board.ts'
import { NOTE_TRIAL, REASON_FULL } from './slots.ts'

export interface ReadingOptions {
  /** Now, in ms since the epoch; default: there is no slow start. */
  readonly wallClockMs?: () => number
  /** Time in which the share of a backend that is back grows to all of it, in ms; default 0: it has all of it at once. */
  readonly slowStartMs?: number
  /** Attempts in flight that a backend on trial may have; default 1. */
  readonly trialInFlight?: number
}

/** The part of its weight that a backend begins with: none would keep it cold. */
const LEAST_RAMP = 0.1

export class Readings {
  /** Each backend's word on the board, by place in the pool. */
  readonly reasons: Int32Array
  readonly #backends: readonly Backend[]
  readonly #board: Board
  readonly #options: ReadingOptions
  /** The version of the board that was read. */
  #version = 0

  constructor (backends: readonly Backend[], board: Board, options: ReadingOptions) {
    this.reasons = new Int32Array(backends.length)
    this.#backends = backends
    this.#board = board
    this.#options = options
  }

  /** Whether the board has changed since, in this thread or another. */
  get areOld (): boolean {
    return this.#board.version !== this.#version
  }

  /** Reads all anew: `reasons`, and limits and ramps of the backends; their positions are not known any more. */
  take (): void {
    // Before the reasons: what changes meanwhile is seen by the next look.
    this.#version = this.#board.version
    for (const backend of this.#backends) this.#read(backend)
  }

  /** Finds out whether a backend that was full has room again. */
  lookForRoom (backend: Backend): void {
    // A look comes first: it is cheaper than a write to a word that all threads read, and hardly ever is anything to be cleared.
    if ((backend.reasons & REASON_FULL) !== 0 && hasRoom(backend)) this.#board.clear(backend.slot, REASON_FULL)
  }

  #read (backend: Backend): void {
    const { slot, reasons, limit: limitBefore } = backend
    const reasonsBefore = this.reasons[slot] ?? 0
    backend.position = -1
    backend.limit = (reasons & NOTE_TRIAL) !== 0 ? this.#trialLimit(backend) : backend.maxInFlight
    backend.ramp = this.#ramp(slot)
    this.reasons[slot] = reasons
    // It may be full by a limit that holds no more, here or in another thread. One that stays full, whoever ends an attempt there looks at.
    const isNews = backend.limit !== limitBefore || (reasonsBefore & REASON_FULL) === 0
    if ((reasons & REASON_FULL) === 0 || !isNews || !hasRoom(backend)) return
    this.reasons[slot] = reasons & ~REASON_FULL
    this.#board.clear(slot, REASON_FULL)
  }

  /** Never more than it may have without a trial. */
  #trialLimit ({ slot, maxInFlight }: Backend): number {
    const limit = this.#board.aside(slot) + (this.#options.trialInFlight ?? 1)
    return maxInFlight === 0 ? limit : Math.min(limit, maxInFlight)
  }

  #ramp (slot: number): number {
    const { slowStartMs = 0, wallClockMs } = this.#options
    if (slowStartMs === 0 || wallClockMs === undefined) return 1
    const sinceMs = this.#board.availableSinceMs(slot)
    if (sinceMs === 0) return 1
    const part = (wallClockMs() - sinceMs) / slowStartMs
    // By more than that the clock was set back: who knows how long ago it was.
    return part < -1 ? 1 : Math.min(1, Math.max(LEAST_RAMP, part))
  }
}

function hasRoom ({ limit, inFlight }: Backend): boolean {
  return limit === 0 || inFlight < limit
}
