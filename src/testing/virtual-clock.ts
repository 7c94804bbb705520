/**
 * Time that passes only when it is told to: from one planned event straight to the next. The parts of the gateway take their clocks and
 * timers from whoever makes them, so that all of them run on it as they are.
 */
import type { Schedule } from '../health/prober.ts'
import { EventQueue } from './event-queue.ts'

/** What the wall clock says when the virtual one says 0: 2026-01-01, in ms since the epoch. */
export const EPOCH_MS = 1_767_225_600_000

export class VirtualClock {
  readonly #events = new EventQueue()
  #nowMs = 0

  /** The monotonic clock, in ms; it begins at 0. */
  readonly nowMs = (): number => this.#nowMs

  /** Now, in ms since the epoch. */
  readonly wallClockMs = (): number => EPOCH_MS + this.#nowMs

  /** Calls back after so many ms; returns the function that prevents it. */
  readonly after = (delayMs: number, callback: () => void): () => void => {
    const event = this.#events.add(this.#nowMs + Math.max(0, delayMs), callback)
    return () => { event.callback = undefined }
  }

  /** As `after`, for what nobody will want to prevent. */
  later (delayMs: number, callback: () => void): void {
    this.#events.add(this.#nowMs + Math.max(0, delayMs), callback)
  }

  /** Calls back at this time, in ms, or at once if it has passed. */
  at (atMs: number, callback: () => void): void {
    this.#events.add(Math.max(atMs, this.#nowMs), callback)
  }

  /** Calls back again and again, for the first time after `firstMs`; returns the function that ends it. */
  every (intervalMs: number, callback: () => void, firstMs = intervalMs): () => void {
    let isOver = false
    const tick = (): void => {
      if (isOver) return
      callback()
      this.later(intervalMs, tick)
    }
    this.later(firstMs, tick)
    return () => { isOver = true }
  }

  /** Timers and randomness as the prober wants them. */
  schedule (random: () => number): Schedule {
    return { after: this.after, nowMs: this.nowMs, random }
  }

  /**
   * Lets time pass until the clock says `untilMs`, and has everything happen that is planned until then; earlier if `isWanted` says no
   * after an event. Microtasks have their turn between two events, as they do between two callbacks of the process. What an event throws
   * rejects.
   */
  async run (untilMs: number, isWanted: () => boolean = () => true): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (isWanted() && this.#happens(untilMs)) queueMicrotask(step)
          else resolve()
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      step()
    })
  }

  /** Lets so many ms pass. */
  async pass (ms: number): Promise<void> {
    return this.run(this.#nowMs + ms)
  }

  /** The next event, if it is not later; otherwise it is `untilMs`, and false. */
  #happens (untilMs: number): boolean {
    const event = this.#events.nextMs <= untilMs ? this.#events.take() : undefined
    this.#nowMs = event === undefined ? Math.max(untilMs, this.#nowMs) : event.atMs
    event?.callback?.()
    return event !== undefined
  }
}
