/** A deadline of somebody who has several: what it is for is told by the function that it calls. */
import { Timed, type TimeoutQueue } from './timeout-queue.ts'

export class Deadline extends Timed {
  readonly #onTimeout: (timeoutMs: number) => void

  constructor (onTimeout: (timeoutMs: number) => void) {
    super()
    this.#onTimeout = onTimeout
  }

  /** One that has begun. */
  static started (queue: TimeoutQueue, onTimeout: (timeoutMs: number) => void): Deadline {
    const deadline = new Deadline(onTimeout)
    queue.start(deadline)
    return deadline
  }

  override timedOut (timeoutMs: number): void {
    this.#onTimeout(timeoutMs)
  }

  /** Calls it off. */
  clear (): void {
    this.queue?.clear(this)
  }
}
