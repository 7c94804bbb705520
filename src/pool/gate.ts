/** Holds requests back while nothing is known of the backends yet. Open unless closed. */

/** Somebody who waits for the gate. */
export interface GateWaiter {
  gateOpened (): void
}

export class Gate {
  #isOpen = true
  readonly #waiters = new Set<GateWaiter>()

  get isOpen (): boolean {
    return this.#isOpen
  }

  close (): void {
    this.#isOpen = false
  }

  /** Lets everybody in, in the order of arrival. */
  open (): void {
    this.#isOpen = true
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.gateOpened()
  }

  wait (waiter: GateWaiter): void {
    this.#waiters.add(waiter)
  }

  /** The waiter has left. */
  leave (waiter: GateWaiter): void {
    this.#waiters.delete(waiter)
  }
}
