/** Holds requests back while nothing is known of the backends yet. Open unless closed, for all threads that share a board. */
import { Board } from './board.ts'

/** Somebody who waits for the gate. */
export interface GateWaiter {
  gateOpened (): void
}

export class Gate {
  readonly #board: Board
  readonly #waiters = new Set<GateWaiter>()

  /** Default: a board of its own, for one thread. */
  constructor (board = new Board({ capacity: 0 })) {
    this.#board = board
  }

  get isOpen (): boolean {
    return this.#board.isGateOpen
  }

  close (): void {
    this.#board.isGateOpen = false
  }

  /** Opens it for all threads, and lets in everybody who waits in this one. */
  open (): void {
    this.#board.isGateOpen = true
    this.letIn()
  }

  /** Lets in everybody who waits in this thread, in the order of arrival, if the gate is open: for threads that did not open it. */
  letIn (): void {
    if (!this.isOpen) return
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
