/** Time and chance for tests: a clock that moves only when told to, timers on it, and random numbers that repeat. */
import type { Schedule } from '../src/health/prober.ts'

interface VirtualTimer {
  readonly atMs: number
  readonly callback: () => void
}

export class VirtualSchedule implements Schedule {
  /** How often a random number was drawn. */
  drawn = 0
  readonly #random: () => number
  readonly #timers = new Set<VirtualTimer>()
  #nowMs = 0

  /** `random` is what is drawn from; default: always 0. */
  constructor (random: () => number = () => 0) {
    this.#random = random
  }

  /** Timers that are still to fire. */
  get pending (): number {
    return this.#timers.size
  }

  after (delayMs: number, callback: () => void): () => void {
    const timer: VirtualTimer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return () => { this.#timers.delete(timer) }
  }

  nowMs (): number {
    return this.#nowMs
  }

  random (): number {
    this.drawn++
    return this.#random()
  }

  /** Lets `ms` pass: each timer fires at its own time, those of one time in the order in which they were set. */
  pass (ms: number): void {
    const endMs = this.#nowMs + ms
    for (let timer = this.#nextUntil(endMs); timer !== undefined; timer = this.#nextUntil(endMs)) {
      this.#nowMs = timer.atMs
      this.#timers.delete(timer)
      timer.callback()
    }
    this.#nowMs = endMs
  }

  #nextUntil (endMs: number): VirtualTimer | undefined {
    let next: VirtualTimer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs <= endMs && (next === undefined || timer.atMs < next.atMs)) next = timer
    }
    return next
  }
}

/** Numbers from 0 (included) to 1 (not included) that are the same for the same seed (a linear congruence modulo 2^32). */
export function seededRandom (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
