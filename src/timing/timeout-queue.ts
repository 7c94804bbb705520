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

/** Calls back after so many ms; returns the function that prevents it. */
export type After = (delayMs: number, callback: () => void) => () => void

/**
 * The process's timers; they keep no process from ending. What has come in by then is read before the callback: timers go before it, and after
 * a pause of the process, or a long turn of its loop, nobody must be blamed for what lies there unread.
 */
export const processAfter: After = (delayMs, callback) => {
  let immediate: NodeJS.Immediate | undefined
  const timer = setTimeout(() => { immediate = setImmediate(callback) }, delayMs).unref()
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}

export class TimeoutQueue {
  readonly timeoutMs: number
  readonly #nowMs: () => number
  readonly #after: After
  #first: Timed | undefined
  #last: Timed | undefined
  #cancel: (() => void) | undefined

  /** `nowMs` is a monotonic clock, in ms; it and `after` are the process's unless they are given. */
  constructor (timeoutMs: number, nowMs: () => number = () => performance.now(), after: After = processAfter) {
    this.timeoutMs = timeoutMs
    this.#nowMs = nowMs
    this.#after = after
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
    if (this.#cancel === undefined) this.#arm(this.timeoutMs)
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
    this.#cancel?.()
    this.#cancel = undefined
    while (this.#first !== undefined) this.clear(this.#first)
  }

  #arm (delayMs: number): void {
    this.#cancel = this.#after(Math.ceil(delayMs), () => this.#expire())
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
    this.#cancel = undefined
    if (item !== undefined) this.#arm(item.deadlineMs - nowMs)
  }
}
