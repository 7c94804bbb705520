/**
 * How late the event loop is, from a timer that should fire at even intervals. Node's own histogram (`monitorEventLoopDelay`) counts
 * how often the timer was late, not for how long: half a second in one turn, and half a second of short ones, have a mean of 20 ms there,
 * while most of what came in that second had to wait for the long turn. Here a turn counts for as long as it lasted.
 */

export class LoopDelay {
  readonly #tickMs: number
  #lastMs: number
  #spanMs = 0
  /** Delays, each times the time in which it was met. */
  #sum = 0

  /** `tickMs`: from one firing of the timer to the next; delays are told to within that. `nowMs` is of a monotonic clock. */
  constructor (tickMs: number, nowMs: number) {
    this.#tickMs = tickMs
    this.#lastMs = nowMs
  }

  /** The timer has fired. */
  tick (nowMs: number): void {
    const passedMs = nowMs - this.#lastMs
    this.#lastMs = nowMs
    this.#spanMs += passedMs
    this.#sum += passedMs * Math.max(0, passedMs - this.#tickMs)
  }

  /** Time that has been watched since the last `take`, in ms. */
  get spanMs (): number {
    return this.#spanMs
  }

  /** The mean delay of that time, in ms, and begins anew. */
  take (): number {
    const meanMs = this.#spanMs === 0 ? 0 : this.#sum / this.#spanMs
    this.#spanMs = 0
    this.#sum = 0
    return meanMs
  }
}
