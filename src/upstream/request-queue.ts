/**
 * Requests that wait while every backend they could go to is full: in the order of their arrival, so many over all threads, and for so
 * long. Whoever comes while others wait stands behind them, and is let by if the room that there is does not help these.
 */
import type { Gauges } from '../pool/gauges.ts'
import { GAUGE_WAITING } from '../pool/slots.ts'
import { Deadline } from '../timing/deadline.ts'
import type { After, TimeoutQueue } from '../timing/timeout-queue.ts'

/** A request that waits. */
export interface PlaceWaiter {
  /** There may be a place now. False if there is none for it: then it stays where it is. Otherwise it leaves the queue. */
  placeFree (): boolean
  /** It has left the queue by then. */
  waitedTooLong (timeoutMs: number): void
}

export interface RequestQueueOptions {
  /** Counts those who wait, over all threads. */
  readonly gauges: Gauges
  /** How many may wait, over all threads. */
  readonly maxWaiting: number
  /** How long each of them may. */
  readonly timeouts: TimeoutQueue
  /** Whether a backend has room for anybody: a retry may wait for one that is full as others are not. */
  readonly hasRoom: () => boolean
  readonly after: After
}

/** How often somebody who waits looks for a place that another thread, or a probe, has made, in ms. */
const LOOK_INTERVAL_MS = 5

export class RequestQueue {
  readonly #options: RequestQueueOptions
  readonly #deadlines = new Map<PlaceWaiter, Deadline>()
  /** Whether a look is arranged. */
  #isLooking = false
  #isWaking = false

  constructor (options: RequestQueueOptions) {
    this.#options = options
  }

  /** Whether nobody waits in this thread. */
  get isEmpty (): boolean {
    return this.#deadlines.size === 0
  }

  /** Whether somebody who comes now may look for a room at once: if those who wait, asked before, have no use for what there is. */
  letsBy (): boolean {
    const { hasRoom } = this.#options
    if (this.isEmpty) return true
    if (!hasRoom()) return false
    this.#wake()
    return this.isEmpty || hasRoom()
  }

  /** Takes a place at the end; false if as many wait as may. */
  enter (waiter: PlaceWaiter): boolean {
    const { gauges, maxWaiting, timeouts } = this.#options
    if (!gauges.acquire(GAUGE_WAITING, maxWaiting)) return false
    this.#deadlines.set(waiter, Deadline.started(timeouts, (timeoutMs) => {
      this.leave(waiter)
      waiter.waitedTooLong(timeoutMs)
    }))
    this.#lookLater()
    return true
  }

  /** Gives the place up; false if there was none. */
  leave (waiter: PlaceWaiter): boolean {
    const deadline = this.#deadlines.get(waiter)
    if (deadline === undefined) return false
    deadline.clear()
    this.#deadlines.delete(waiter)
    this.#options.gauges.release(GAUGE_WAITING)
    return true
  }

  /** Forgets all who wait: there is nobody any more who could be answered. */
  close (): void {
    for (const waiter of this.#deadlines.keys()) this.leave(waiter)
  }

  /** An attempt has ended in this thread: those who wait are asked as soon as that is settled. */
  wakeSoon (): void {
    if (this.#isWaking || this.isEmpty) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      this.#wake()
    })
  }

  /** Asks them one after the other, until one finds no place and there is none for anybody. */
  #wake (): void {
    for (const waiter of this.#deadlines.keys()) if (!waiter.placeFree() && !this.#options.hasRoom()) break
    if (!this.isEmpty) this.#lookLater()
  }

  #lookLater (): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#options.after(LOOK_INTERVAL_MS, () => {
      this.#isLooking = false
      this.#wake()
    })
  }
}
