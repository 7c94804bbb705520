/**
 * What all threads know of the backends of a pool, in shared memory: for each a word of reasons why it is not available, whether
 * the pool's gate is open, and a version that changes with every reason. Any thread may write; whoever compares versions sees a
 * change at once, without being told.
 */

export interface BoardOptions {
  /** How many backends there is room for. */
  readonly capacity: number
  /** The memory of another thread's board with the same capacity; default: new memory, without reasons and with an open gate. */
  readonly memory?: SharedArrayBuffer
}

const VERSION = 0
const GATE = 1
/** The reasons of the first backend. */
const REASONS = 2

const OPEN = 0
const CLOSED = 1

export class Board {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor ({ capacity, memory }: BoardOptions) {
    this.memory = memory ?? new SharedArrayBuffer((REASONS + capacity) * Int32Array.BYTES_PER_ELEMENT)
    this.#words = new Int32Array(this.memory)
  }

  /** Another one after every change of a reason. Read it before the reasons: then no change between the two is missed. */
  get version (): number {
    return Atomics.load(this.#words, VERSION)
  }

  /** The bits that are set for the backend in `slot`. */
  reasons (slot: number): number {
    return Atomics.load(this.#words, REASONS + slot)
  }

  /** Sets `bits`; true if one of them was not set. */
  set (slot: number, bits: number): boolean {
    const before = Atomics.or(this.#words, REASONS + slot, bits)
    if ((before & bits) === bits) return false
    this.announce()
    return true
  }

  /** Clears `bits`; true if one of them was set. */
  clear (slot: number, bits: number): boolean {
    const before = Atomics.and(this.#words, REASONS + slot, ~bits)
    if ((before & bits) === 0) return false
    this.announce()
    return true
  }

  /** Has every thread look at the reasons again. Also for a thread that has ended: it may have changed one and not come to this. */
  announce (): void {
    Atomics.add(this.#words, VERSION, 1)
  }

  get isGateOpen (): boolean {
    return Atomics.load(this.#words, GATE) === OPEN
  }

  set isGateOpen (isOpen: boolean) {
    Atomics.store(this.#words, GATE, isOpen ? OPEN : CLOSED)
  }
}
