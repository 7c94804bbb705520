/**
 * Deadlines that all lie the same time ahead, so that they expire in the order in which they were set: a linked list and one
 * timer serve every request. Setting, moving and clearing a deadline cost a few assignments.
 */

/** What can be in a queue: at most one queue at a time. Extend it; the fields belong to the queue. */
export abstract class Timed {
  queue: TimeoutQueue | undefined = undefined
  before: Timed | undefined = undefined
  after: Timed | undefined = undefined
  deadlineMs = 0

  /** Called once when the deadline has passed; it has left the queue by then. */
  abstract timedOut (timeoutMs: number): void
}

export class TimeoutQueue {
  readonly timeoutMs: number
  readonly #nowMs: () => number
  #first: Timed | undefined
  #last: Timed | undefined
  #timer: NodeJS.Timeout | undefined

  /** `nowMs` is a monotonic clock, in ms. */
  constructor (timeoutMs: number, nowMs: () => number = () => performance.now()) {
    this.timeoutMs = timeoutMs
    this.#nowMs = nowMs
  }

  /** Sets the deadline anew, whether it was set (here or in another queue) or not. */
  start (item: Timed): void {
    item.queue?.clear(item)
    item.queue = this
    item.deadlineMs = this.#nowMs() + this.timeoutMs
    item.before = this.#last
    if (this.#last === undefined) this.#first = item
    else this.#last.after = item
    this.#last = item
    if (this.#timer === undefined) this.#arm(this.timeoutMs)
  }

  clear (item: Timed): void {
    if (item.queue !== this) return
    if (item.before === undefined) this.#first = item.after
    else item.before.after = item.after
    if (item.after === undefined) this.#last = item.before
    else item.after.before = item.before
    item.queue = item.before = item.after = undefined
  }

  /** Forgets all deadlines. */
  close (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#first !== undefined) this.clear(this.#first)
  }

  #arm (delayMs: number): void {
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(delayMs))
    this.#timer.unref()
  }

  #expire (): void {
    const nowMs = this.#nowMs()
    let item = this.#first
    while (item !== undefined && item.deadlineMs <= nowMs) {
      this.clear(item)
      item.timedOut(this.timeoutMs)
      item = this.#first
    }
    // Only now: what was set anew meanwhile lies further ahead than what is first.
    this.#timer = undefined
    if (item !== undefined) this.#arm(item.deadlineMs - nowMs)
  }
}
