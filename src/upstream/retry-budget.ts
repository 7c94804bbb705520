/**
 * How many retries a pool may have: a share of its requests of the last ten seconds, and a few a second in any case, over all threads.
 * Without a bound the retries for a pool that is failing would be as much load again as made it fail. As Finagle's and Linkerd's retry
 * budget, with their 20% and their ten seconds, but for this: a retry that was answered well is given back. What is bounded are retries
 * that are under way, or did not help: one bad backend of two must not cost a request that the other one can serve.
 */

/** The window, in seconds. */
const WINDOW_S = 10

const MS_PER_S = 1_000

/** A word of a second holds the low bits of the second it is for, and the count. */
const COUNT_BITS = 16
const MAX_COUNT = 2 ** COUNT_BITS - 1

export interface RetryBudgetOptions {
  /** The share of the requests, 0 to 1. */
  readonly ratio: number
  /** Retries a second that are always allowed. */
  readonly minPerSecond: number
  /** Attempts made so far, over all threads, retries included. */
  readonly attempts: () => number
  /** The memory of another thread's budget; default: new memory. */
  readonly memory?: SharedArrayBuffer
}

/** Memory for the budget of several threads, with nothing taken of it. */
export function retryBudgetMemory (): SharedArrayBuffer {
  return new SharedArrayBuffer(WINDOW_S * Int32Array.BYTES_PER_ELEMENT)
}

export class RetryBudget {
  readonly memory: SharedArrayBuffer
  readonly #options: RetryBudgetOptions
  /** Retries, by second. */
  readonly #words: Int32Array<SharedArrayBuffer>
  /** Attempts made so far, as they were noted, oldest first. */
  readonly #noted: number[]

  constructor (options: RetryBudgetOptions) {
    this.memory = options.memory ?? retryBudgetMemory()
    this.#options = options
    this.#words = new Int32Array(this.memory)
    // What other threads sent before this one began is not of the last seconds.
    this.#noted = [options.attempts()]
  }

  /** Notes how many attempts there have been. Called once a second: requests do not count themselves. */
  note (): void {
    this.#noted.push(this.#options.attempts())
    if (this.#noted.length > WINDOW_S) this.#noted.shift()
  }

  /** Takes one retry out of the budget, if there is one; `nowMs` is since the epoch. */
  take (nowMs: number): boolean {
    const second = Math.floor(nowMs / MS_PER_S)
    const retries = this.#retries(second)
    const { ratio, minPerSecond, attempts } = this.#options
    const requests = Math.max(0, attempts() - (this.#noted[0] ?? 0) - retries)
    if (retries >= Math.max(minPerSecond * WINDOW_S, Math.floor(ratio * requests))) return false
    this.#count(second)
    return true
  }

  /** Gives a retry back that was of use: the last one that was taken. */
  giveBack (nowMs: number): void {
    const second = Math.floor(nowMs / MS_PER_S)
    for (let age = 0; age < WINDOW_S; age++) if (this.#uncount(second - age)) return
  }

  /** Those of the window that ends with `second`. */
  #retries (second: number): number {
    let sum = 0
    for (let age = 0; age < WINDOW_S; age++) sum += countOf(Atomics.load(this.#words, (second - age) % WINDOW_S), second - age)
    return sum
  }

  #count (second: number): void {
    const index = second % WINDOW_S
    for (;;) {
      const before = Atomics.load(this.#words, index)
      const count = Math.min(MAX_COUNT, countOf(before, second) + 1)
      if (Atomics.compareExchange(this.#words, index, before, wordOf(count, second)) === before) return
    }
  }

  /** One less of that second; false if there are none. */
  #uncount (second: number): boolean {
    const index = second % WINDOW_S
    for (;;) {
      const before = Atomics.load(this.#words, index)
      const count = countOf(before, second)
      if (count === 0) return false
      if (Atomics.compareExchange(this.#words, index, before, wordOf(count - 1, second)) === before) return true
    }
  }
}

function wordOf (count: number, second: number): number {
  return (second << COUNT_BITS | count) | 0
}

/** 0 if the word is of another second. */
function countOf (word: number, second: number): number {
  const count = word & MAX_COUNT
  return word === wordOf(count, second) ? count : 0
}
