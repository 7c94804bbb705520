/**
 * The counters of a pool, in shared memory: cursors that all threads advance, a gauge of each backend's attempts in flight, and
 * for every thread a row with each backend's totals. Only its own thread writes a row, so a sum over the rows is exact. What a
 * dead thread had in flight is given back; its totals stay, and the thread that takes its place counts on from there.
 */
import { SlotsExhaustedError } from '../errors.ts'
import { Gauges } from './gauges.ts'
import { CURSOR_SLOTS, TOTAL_BAD_ANSWERS, TOTAL_FAILURES, TOTAL_REQUESTS, TOTAL_RETRIES, TOTAL_SLOTS } from './slots.ts'

export interface CountersOptions {
  /** How many backends there is room for. */
  readonly capacity: number
  /** How many threads write; default 1. */
  readonly rows?: number
  /** The row that this thread writes; default 0. */
  readonly row?: number
  /** The memory of another thread's counters with the same capacity and rows; default: new memory. */
  readonly memory?: CountersMemory
}

/** What threads hand to each other so that they count together. */
export interface CountersMemory {
  /** The totals, then the cursors. */
  readonly totals: SharedArrayBuffer
  readonly inFlight: SharedArrayBuffer
}

/** Totals of 8 bytes in a line of a processor's cache: rows of two threads must not share one. */
const TOTALS_PER_LINE = 8

/** Many times as much as a cycle has turns, so that each is as likely, and far from where a cursor begins anew. */
const MAX_FIRST_TURN = 2 ** 30

export class Counters {
  readonly capacity: number
  readonly #rows: number
  /** Totals from the row of a thread to the next; behind the backends' own are those of all of them. */
  readonly #stride: number
  /** Where this thread's row begins. */
  readonly #own: number
  readonly #cursors: Int32Array<SharedArrayBuffer>
  readonly #totals: Float64Array<SharedArrayBuffer>
  readonly #inFlight: Gauges

  constructor ({ capacity, rows = 1, row = 0, memory }: CountersOptions) {
    this.capacity = capacity
    this.#rows = rows
    this.#stride = Math.ceil((capacity + 1) * TOTAL_SLOTS / TOTALS_PER_LINE) * TOTALS_PER_LINE
    this.#own = row * this.#stride
    const totalsBytes = rows * this.#stride * Float64Array.BYTES_PER_ELEMENT
    const totals = memory?.totals ?? new SharedArrayBuffer(totalsBytes + CURSOR_SLOTS * Int32Array.BYTES_PER_ELEMENT)
    this.#totals = new Float64Array(totals, 0, rows * this.#stride)
    this.#cursors = new Int32Array(totals, totalsBytes, CURSOR_SLOTS)
    this.#inFlight = new Gauges({ size: capacity, rows, row, ...(memory !== undefined && { memory: memory.inFlight }) })
  }

  get memory (): CountersMemory {
    return { totals: this.#totals.buffer, inFlight: this.#inFlight.memory }
  }

  /** Fails when `slots` backends do not fit. */
  assertRoomFor (slots: number): void {
    if (slots > this.capacity) throw new SlotsExhaustedError(this.capacity)
  }

  /** Takes the next number of a cursor: no two calls of any thread get the same one, until 2^32 have been taken. */
  advance (cursor: number): number {
    return Atomics.add(this.#cursors, cursor, 1) >>> 0
  }

  /** Has the cursors go on from numbers of their own, drawn by `random`: gateways that start together must not all begin with the same backend. */
  scatter (random: () => number): void {
    for (let cursor = 0; cursor < CURSOR_SLOTS; cursor++) Atomics.store(this.#cursors, cursor, Math.floor(random() * MAX_FIRST_TURN))
  }

  /** An attempt was sent to the backend in `slot`. */
  attemptStarted (slot: number): void {
    this.#inFlight.add(slot)
    this.#sent(slot)
  }

  /** As `attemptStarted`, unless `limit` are in flight over all threads: then false, and nothing is counted. */
  attemptStartedWithin (slot: number, limit: number): boolean {
    if (!this.#inFlight.acquire(slot, limit)) return false
    this.#sent(slot)
    return true
  }

  /** That attempt is over, in whichever way. */
  attemptEnded (slot: number): void {
    this.#inFlight.release(slot)
  }

  /** An attempt failed through the backend's fault. */
  attemptFailed (slot: number): void {
    this.#bump(slot, TOTAL_FAILURES)
  }

  /** An attempt that was sent to the backend was not the first one for its request. */
  retried (slot: number): void {
    this.#bump(slot, TOTAL_RETRIES)
  }

  /** A whole answer had a status that counts as a failure. */
  badAnswer (slot: number): void {
    this.#bump(slot, TOTAL_BAD_ANSWERS)
  }

  /** Attempts in flight, over all threads. */
  inFlight (slot: number): number {
    return this.#inFlight.count(slot)
  }

  /** Those of this thread. */
  ownInFlight (slot: number): number {
    return this.#inFlight.ownCount(slot)
  }

  /** Attempts sent so far, over all threads. */
  requests (slot: number): number {
    return this.#sumTotals(slot, TOTAL_REQUESTS)
  }

  /** Attempts sent so far to any backend, over all threads. */
  get allRequests (): number {
    return this.#sumTotals(this.capacity, TOTAL_REQUESTS)
  }

  /** Attempts that failed through the backend's fault, over all threads. */
  failures (slot: number): number {
    return this.#sumTotals(slot, TOTAL_FAILURES)
  }

  /** Answers whose status counts as a failure, over all threads. */
  badAnswers (slot: number): number {
    return this.#sumTotals(slot, TOTAL_BAD_ANSWERS)
  }

  /** Attempts that were not the first ones for their requests, over all threads. */
  retries (slot: number): number {
    return this.#sumTotals(slot, TOTAL_RETRIES)
  }

  /** Gives back what a thread had in flight that has ended; its totals stay. */
  releaseRow (row: number): void {
    this.#inFlight.releaseRow(row)
  }

  #sent (slot: number): void {
    this.#bump(slot, TOTAL_REQUESTS)
    this.#bump(this.capacity, TOTAL_REQUESTS)
  }

  #bump (slot: number, total: number): void {
    const index = this.#own + slot * TOTAL_SLOTS + total
    this.#totals[index] = (this.#totals[index] ?? 0) + 1
  }

  #sumTotals (slot: number, total: number): number {
    let sum = 0
    for (let row = 0; row < this.#rows; row++) sum += this.#totals[row * this.#stride + slot * TOTAL_SLOTS + total] ?? 0
    return sum
  }
}
