/**
 * What all threads know of the backends of a pool, in shared memory: for each a word of reasons why it is not available and what its
 * answers have been like, whether the pool's gate is open, and a version that changes with every reason. Any thread may write;
 * whoever compares versions sees a change at once, without being told.
 */

export interface BoardOptions {
  /** How many backends there is room for. */
  readonly capacity: number
  /** The memory of another thread's board with the same capacity; default: new memory, without reasons and with an open gate. */
  readonly memory?: SharedArrayBuffer
}

const VERSION = 0
const GATE = 1
/** Where the words of the backends begin: for each of these, as many as there are backends. */
const WORDS = 2
const REASONS = 0
const FAILURES = 1
const SUCCESSES = 2
const EJECTIONS = 3
const ASIDE = 4
const KINDS = 5

/** Times of a backend, in ms since the epoch. */
const CHANGED = 0
const EJECTED_UNTIL = 1
const TIMES = 2

const OPEN = 0
const CLOSED = 1

export class Board {
  readonly memory: SharedArrayBuffer
  readonly #capacity: number
  readonly #times: Float64Array<SharedArrayBuffer>
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor ({ capacity, memory }: BoardOptions) {
    const bytesOfTimes = TIMES * capacity * Float64Array.BYTES_PER_ELEMENT
    this.memory = memory ?? new SharedArrayBuffer(bytesOfTimes + (WORDS + KINDS * capacity) * Int32Array.BYTES_PER_ELEMENT)
    this.#capacity = capacity
    this.#times = new Float64Array(this.memory, 0, TIMES * capacity)
    this.#words = new Int32Array(this.memory, bytesOfTimes)
  }

  /** Another one after every change of a reason. Read it before the reasons: then no change between the two is missed. */
  get version (): number {
    return Atomics.load(this.#words, VERSION)
  }

  /** The bits that are set for the backend in `slot`. */
  reasons (slot: number): number {
    return Atomics.load(this.#words, this.#index(REASONS, slot))
  }

  /** Sets `bits`; true if one of them was not set. */
  set (slot: number, bits: number): boolean {
    const before = Atomics.or(this.#words, this.#index(REASONS, slot), bits)
    if ((before & bits) === bits) return false
    this.announce()
    return true
  }

  /** Clears `bits`; true if one of them was set. */
  clear (slot: number, bits: number): boolean {
    const before = Atomics.and(this.#words, this.#index(REASONS, slot), ~bits)
    if ((before & bits) === 0) return false
    this.announce()
    return true
  }

  /** Has every thread look at the reasons again. Also for a thread that has ended: it may have changed one and not come to this. */
  announce (): void {
    Atomics.add(this.#words, VERSION, 1)
  }

  /** One more failure of a backend without a good answer between; how many these are now. */
  countFailure (slot: number): number {
    return Atomics.add(this.#words, this.#index(FAILURES, slot), 1) + 1
  }

  /** One more good answer of a backend that is on trial; how many these are now. */
  countSuccess (slot: number): number {
    return Atomics.add(this.#words, this.#index(SUCCESSES, slot), 1) + 1
  }

  /** A good answer: what failed before does not count any more. All that requests pay for it while nothing fails is a look. */
  forgetFailures (slot: number): void {
    const index = this.#index(FAILURES, slot)
    if (Atomics.load(this.#words, index) !== 0) Atomics.store(this.#words, index, 0)
  }

  /** Begins to count anew. */
  forgetCounts (slot: number): void {
    Atomics.store(this.#words, this.#index(FAILURES, slot), 0)
    Atomics.store(this.#words, this.#index(SUCCESSES, slot), 0)
  }

  /** How often a backend has been ejected lately. */
  ejections (slot: number): number {
    return Atomics.load(this.#words, this.#index(EJECTIONS, slot))
  }

  /** When its ejection ends, in ms since the epoch; 0 if it has never been ejected, or is just being. */
  ejectedUntilMs (slot: number): number {
    return this.#times[TIMES * slot + EJECTED_UNTIL] ?? 0
  }

  /** Notes how often a backend has been ejected, and until when. */
  noteEjection (slot: number, ejections: number, untilMs: number): void {
    Atomics.store(this.#words, this.#index(EJECTIONS, slot), ejections)
    this.#times[TIMES * slot + EJECTED_UNTIL] = untilMs
  }

  /** Attempts in flight at a backend on trial that take no place of its trial. */
  aside (slot: number): number {
    return Atomics.load(this.#words, this.#index(ASIDE, slot))
  }

  /** Sets how many these are, if they are still `before`. */
  setAside (slot: number, before: number, now: number): void {
    if (before !== now && Atomics.compareExchange(this.#words, this.#index(ASIDE, slot), before, now) === before) this.announce()
  }

  /** When it last began to be available, in ms since the epoch; 0: from the start. */
  availableSinceMs (slot: number): number {
    return this.#times[TIMES * slot + CHANGED] ?? 0
  }

  noteAvailable (slot: number, nowMs: number): void {
    this.#times[TIMES * slot + CHANGED] = nowMs
  }

  get isGateOpen (): boolean {
    return Atomics.load(this.#words, GATE) === OPEN
  }

  set isGateOpen (isOpen: boolean) {
    Atomics.store(this.#words, GATE, isOpen ? OPEN : CLOSED)
  }

  #index (kind: number, slot: number): number {
    return WORDS + kind * this.#capacity + slot
  }
}
