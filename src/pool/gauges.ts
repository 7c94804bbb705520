/**
 * Counts of what is under way, over all threads: for each a word in a row a thread, and the sum of these is the count.
 *
 * There is no shared total. A thread can be ended at any moment, by `worker.terminate()` or for want of memory, and V8 acts on
 * that between any two calls of `Atomics`: of two words that belong together a dead thread leaves one changed and the other not.
 * So every change is a change of one word, which only its own thread writes, and what a dead thread held is given back exactly.
 */

export interface GaugesOptions {
  /** How many gauges there are. */
  readonly size: number
  /** How many threads write; default 1. */
  readonly rows?: number
  /** The row that this thread writes; default 0. */
  readonly row?: number
  /** The memory of another thread's gauges with the same size and rows; default: new memory. */
  readonly memory?: SharedArrayBuffer
}

/** Words of 4 bytes in a line of a processor's cache: what threads write often must not share one. */
const WORDS_PER_LINE = 16

/** The word of the lock: 0, or 1 and the row of the thread that has it. The rows begin a line behind it. */
const LOCK = 0
const FREE = 0

/** The lock is held for less than a microsecond, unless its thread was suspended, or has ended: then others sleep, this long at a time and so often. */
const SLEEP_MS = 1
const MAX_SLEEPS = 100
const SPINS = 1_000

export class Gauges {
  readonly memory: SharedArrayBuffer
  readonly size: number
  readonly #rows: number
  /** Words from the row of a thread to the next. */
  readonly #stride: number
  /** Where this thread's row begins. */
  readonly #own: number
  /** What stands in the word of the lock when this thread has it. */
  readonly #key: number
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor ({ size, rows = 1, row = 0, memory }: GaugesOptions) {
    this.size = size
    this.#rows = rows
    this.#stride = Math.ceil(size / WORDS_PER_LINE) * WORDS_PER_LINE
    this.#own = WORDS_PER_LINE + row * this.#stride
    this.#key = row + 1
    this.memory = memory ?? new SharedArrayBuffer((WORDS_PER_LINE + rows * this.#stride) * Int32Array.BYTES_PER_ELEMENT)
    this.#words = new Int32Array(this.memory)
  }

  /** One more, whatever the limit. */
  add (gauge: number): void {
    Atomics.add(this.#words, this.#own + gauge, 1)
  }

  /**
   * One more, unless there are `limit` over all threads: then false. There are never more, and of threads that ask at once for the
   * last place exactly one gets it.
   */
  acquire (gauge: number, limit: number): boolean {
    // Of those that ask at once the last to be counted sees all others: they cannot all take themselves for within the limit.
    if (this.#try(gauge, limit)) return true
    // But they can all see each other and step back. One after the other, the last of them finds what is free.
    if (!this.#lock()) return false
    const isWithin = this.#try(gauge, limit)
    this.#unlock(this.#key)
    return isWithin
  }

  /** One less, of those that this thread has added or acquired. */
  release (gauge: number): void {
    Atomics.sub(this.#words, this.#own + gauge, 1)
  }

  /** How many there are, over all threads; those that are just being refused may be among them. */
  count (gauge: number): number {
    let sum = 0
    for (let row = 0; row < this.#rows; row++) sum += Atomics.load(this.#words, WORDS_PER_LINE + row * this.#stride + gauge)
    return sum
  }

  /** How many of them are this thread's. */
  ownCount (gauge: number): number {
    return Atomics.load(this.#words, this.#own + gauge)
  }

  /** Gives back what a thread held that has ended. It must have: what it adds from then on would stay. */
  releaseRow (row: number): void {
    if (row >= this.#rows) return
    const begin = WORDS_PER_LINE + row * this.#stride
    for (let gauge = 0; gauge < this.size; gauge++) Atomics.store(this.#words, begin + gauge, 0)
    this.#unlock(row + 1)
  }

  #try (gauge: number, limit: number): boolean {
    this.add(gauge)
    if (this.count(gauge) <= limit) return true
    this.release(gauge)
    return false
  }

  /** False if whoever has the lock does not give it back: a thread that was ended as it had it, and whose row is not yet released. */
  #lock (): boolean {
    for (let sleeps = 0; sleeps < MAX_SLEEPS; sleeps++) {
      for (let spins = 0; spins < SPINS; spins++) {
        if (Atomics.compareExchange(this.#words, LOCK, FREE, this.#key) === FREE) return true
      }
      const owner = Atomics.load(this.#words, LOCK)
      if (owner !== FREE) Atomics.wait(this.#words, LOCK, owner, SLEEP_MS)
    }
    return false
  }

  #unlock (key: number): void {
    if (Atomics.compareExchange(this.#words, LOCK, key, FREE) === key) Atomics.notify(this.#words, LOCK)
  }
}
