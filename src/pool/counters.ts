/**
 * The counters of a pool, in one SharedArrayBuffer: cursors that all threads advance, and for every thread a row with each
 * backend's attempts in flight and totals. Only its own thread writes a row, so a sum over the rows is exact, and what a
 * dead thread had in flight is given back by clearing its row.
 */
import { SlotsExhaustedError } from '../errors.ts'
import { CURSOR_SLOTS, TOTAL_FAILURES, TOTAL_REQUESTS, TOTAL_SLOTS } from './slots.ts'

export interface CountersOptions {
  /** How many backends there is room for. */
  readonly capacity: number
  /** How many threads write; default 1. */
  readonly rows?: number
  /** The row that this thread writes; default 0. */
  readonly row?: number
  /** The memory of another thread's counters with the same capacity and rows; default: new memory. */
  readonly memory?: SharedArrayBuffer
}

export class Counters {
  readonly memory: SharedArrayBuffer
  readonly capacity: number
  readonly #rows: number
  readonly #row: number
  readonly #cursors: Int32Array<SharedArrayBuffer>
  readonly #inFlight: Int32Array<SharedArrayBuffer>
  readonly #totals: Float64Array<SharedArrayBuffer>

  constructor ({ capacity, rows = 1, row = 0, memory }: CountersOptions) {
    const totalsBytes = rows * capacity * TOTAL_SLOTS * Float64Array.BYTES_PER_ELEMENT
    const inFlightBytes = rows * capacity * Int32Array.BYTES_PER_ELEMENT
    const cursorBytes = CURSOR_SLOTS * Int32Array.BYTES_PER_ELEMENT
    this.memory = memory ?? new SharedArrayBuffer(totalsBytes + inFlightBytes + cursorBytes)
    this.capacity = capacity
    this.#rows = rows
    this.#row = row
    this.#totals = new Float64Array(this.memory, 0, rows * capacity * TOTAL_SLOTS)
    this.#inFlight = new Int32Array(this.memory, totalsBytes, rows * capacity)
    this.#cursors = new Int32Array(this.memory, totalsBytes + inFlightBytes, CURSOR_SLOTS)
  }

  /** Fails when `slots` backends do not fit. */
  assertRoomFor (slots: number): void {
    if (slots > this.capacity) throw new SlotsExhaustedError(this.capacity)
  }

  /** Takes the next number of a cursor: no two calls of any thread get the same one, until 2^32 have been taken. */
  advance (cursor: number): number {
    return Atomics.add(this.#cursors, cursor, 1) >>> 0
  }

  /** An attempt was sent to the backend in `slot`. */
  attemptStarted (slot: number): void {
    Atomics.add(this.#inFlight, this.#row * this.capacity + slot, 1)
    this.#bump(slot, TOTAL_REQUESTS)
  }

  /** That attempt is over, in whichever way. */
  attemptEnded (slot: number): void {
    Atomics.sub(this.#inFlight, this.#row * this.capacity + slot, 1)
  }

  /** An attempt failed through the backend's fault. */
  attemptFailed (slot: number): void {
    this.#bump(slot, TOTAL_FAILURES)
  }

  /** Attempts in flight, over all threads. */
  inFlight (slot: number): number {
    let sum = 0
    for (let row = 0; row < this.#rows; row++) sum += Atomics.load(this.#inFlight, row * this.capacity + slot)
    return sum
  }

  /** Attempts sent so far, over all threads. */
  requests (slot: number): number {
    return this.#sumTotals(slot, TOTAL_REQUESTS)
  }

  /** Attempts that failed through the backend's fault, over all threads. */
  failures (slot: number): number {
    return this.#sumTotals(slot, TOTAL_FAILURES)
  }

  /** Gives back what a dead thread had in flight; its totals stay. */
  releaseRow (row: number): void {
    for (let slot = 0; slot < this.capacity; slot++) Atomics.store(this.#inFlight, row * this.capacity + slot, 0)
  }

  #bump (slot: number, total: number): void {
    const index = this.#totalIndex(this.#row, slot, total)
    this.#totals[index] = (this.#totals[index] ?? 0) + 1
  }

  #sumTotals (slot: number, total: number): number {
    let sum = 0
    for (let row = 0; row < this.#rows; row++) sum += this.#totals[this.#totalIndex(row, slot, total)] ?? 0
    return sum
  }

  #totalIndex (row: number, slot: number, total: number): number {
    return (row * this.capacity + slot) * TOTAL_SLOTS + total
  }
}
