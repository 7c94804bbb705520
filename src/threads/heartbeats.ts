/** Signs of life: a word a thread in shared memory, which changes as long as the thread's event loop turns. */

/** How often a worker gives one, in ms. */
export const BEAT_INTERVAL_MS = 500

export class Heartbeats {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>

  /** Default: new memory. */
  constructor (rows: number, memory = new SharedArrayBuffer(rows * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  beat (row: number): void {
    Atomics.add(this.#words, row, 1)
  }

  /** Another number after each beat. */
  read (row: number): number {
    return Atomics.load(this.#words, row)
  }
}

/**
 * Looks at one thread's signs of life, and counts its own looks in place of the time: when the whole process was stopped for a
 * while (SIGSTOP, a machine that slept), nobody looked, and nobody is taken for dead.
 */
export class Watch {
  readonly #heartbeats: Heartbeats
  readonly #row: number
  #last: number
  #looks = 0

  constructor (heartbeats: Heartbeats, row: number) {
    this.#heartbeats = heartbeats
    this.#row = row
    this.#last = heartbeats.read(row)
  }

  /** Looks; how many looks in a row have seen no sign of life. */
  look (): number {
    const now = this.#heartbeats.read(this.#row)
    this.#looks = now === this.#last ? this.#looks + 1 : 0
    this.#last = now
    return this.#looks
  }
}
