/**
 * One stream of lines that several threads write to, or one. Nobody waits for it: what has piled up goes out in one write. What goes to
 * a pipe in one write of at most PIPE_BUF bytes is not mixed with what others write (POSIX, write()), so lines are put together to
 * writes of whole lines of at most that size, and no thread waits for another. A longer line takes several writes: for that time, and
 * for that alone, its thread keeps the others away.
 */
import { write, writeSync } from 'node:fs'

export interface SharedLinesOptions {
  /** What is written to. */
  readonly fd: number
  /** How many threads write. */
  readonly rows: number
  /** Which one this is, from 0 on. */
  readonly row: number
  /** The memory of another thread's; default: new memory. */
  readonly memory?: SharedArrayBuffer
}

/** Whole lines that go out together. */
interface Chunk {
  text: string
  bytes: number
}

/** Linux's, in bytes. */
const PIPE_BUF = 4_096

/** As much goes out in one write of a thread that is alone, in bytes. */
const ALONE_BYTES = 64 * 1024

/** The word of whoever has a long line to write: 0, or 1 and its row. Behind it a word a thread: whether it writes. */
const LONG_WRITER = 0
const WRITING = 1
const NOBODY = 0

/** How long after a write that found the pipe full, or kept by another thread, the next one is tried, in ms. */
const RETRY_MS = 5

/** When nothing has gone out for this long, whoever reads has stopped, in ms. */
const STALLED_MS = 2_000

/** After these nothing can be written any more; any other error may pass, as that of a full disk does. */
const FINAL_ERRORS: ReadonlySet<string> = new Set(['EPIPE', 'EBADF'])

/** How long a thread that ends at once tries to get rid of its last lines, in ms. */
const LAST_WORDS_MS = 1_000

export class SharedLines {
  readonly memory: SharedArrayBuffer
  readonly #fd: number
  readonly #rows: number
  readonly #row: number
  /** The largest write that needs no turn of its own, in bytes. */
  readonly #maxBytes: number
  readonly #words: Int32Array<SharedArrayBuffer>
  #chunks: Chunk[] = []
  /** The bytes that are being written; undefined if none are. */
  #current: Buffer | undefined
  /** Whether the system has them in hand. Else they wait for their turn, or for room in the pipe. */
  #isInHand = false
  /** Nobody reads any more. */
  #isBroken = false
  /** Whether a part of the present chunk has gone out. */
  #isPartOut = false
  /** Writes that have brought something out. */
  #writes = 0
  readonly #onDrained = new Set<() => void>()

  constructor ({ fd, rows, row, memory }: SharedLinesOptions) {
    this.#fd = fd
    this.#rows = rows
    this.#row = row
    this.#maxBytes = rows === 1 ? ALONE_BYTES : PIPE_BUF
    this.memory = memory ?? new SharedArrayBuffer((WRITING + rows) * Int32Array.BYTES_PER_ELEMENT)
    this.#words = new Int32Array(this.memory)
  }

  /** Whether there are several threads. */
  get isShared (): boolean {
    return this.#rows > 1
  }

  /** Takes a line, with its end; it is written later. */
  write (line: string): void {
    if (this.#isBroken) return
    const bytes = Buffer.byteLength(line)
    const last = this.#chunks.at(-1)
    if (last !== undefined && last.bytes + bytes <= this.#maxBytes) {
      last.text += line
      last.bytes += bytes
    } else this.#chunks.push({ text: line, bytes })
    if (this.#current === undefined) this.#next()
  }

  /** Once all that was taken so far is written, nobody reads any more, or nothing has gone out for `stalledMs` (default: two seconds). */
  async drained (stalledMs = STALLED_MS): Promise<void> {
    if (this.#current === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onDrained.add(resolve)
    let seen = this.#writes
    const look = setInterval(() => {
      if (this.#writes === seen) resolve()
      seen = this.#writes
    }, stalledMs)
    await promise
    clearInterval(look)
    this.#onDrained.delete(resolve)
  }

  /**
   * For a thread that ends at once: writes what it still has, blocking, for a second at most. What the system has in hand already is
   * left to it, for it can be asked neither to stop nor how far it has come.
   */
  writeLastWords (nowMs: () => number): void {
    const untilMs = nowMs() + LAST_WORDS_MS
    const rest: Buffer[] = this.#chunks.map(({ text }) => Buffer.from(text))
    this.#chunks = []
    if (this.#current !== undefined && !this.#isInHand) rest.unshift(this.#current)
    // A long line that may have been cut ends here.
    else if (this.#hasLongTurn) rest.unshift(Buffer.from('\n'))
    else this.#endTurn()
    // Where the time is over within a long line, releaseRow ends that.
    for (const bytes of rest) if (!this.#writeWaiting(bytes, () => nowMs() < untilMs)) return
  }

  /** Lets the others go on when a thread has ended as it wrote. */
  releaseRow (row: number): void {
    const hadTurn = Atomics.exchange(this.#words, WRITING + row, 0) !== 0
    const wasLong = Atomics.compareExchange(this.#words, LONG_WRITER, row + 1, NOBODY) === row + 1
    // What it had begun is no whole line: that ends here, so that the next one is one.
    if (hadTurn && wasLong) this.write('\n')
  }

  #next (): void {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) {
      this.#current = undefined
      for (const resolve of this.#onDrained) resolve()
      this.#onDrained.clear()
      return
    }
    this.#current = Buffer.from(chunk.text)
    this.#isPartOut = false
    if (chunk.bytes > this.#maxBytes) this.#beginLong()
    else this.#beginShort()
  }

  #beginShort (): void {
    if (this.#takeShortTurn()) this.#write()
    else setTimeout(() => this.#beginShort(), RETRY_MS)
  }

  #beginLong (): void {
    if (this.#takeLongTurn()) this.#write()
    else setTimeout(() => this.#beginLong(), RETRY_MS)
  }

  /** First the word that it writes, then a look at the word of the long writer, who does both the other way round: one of them sees the other. */
  #takeShortTurn (): boolean {
    Atomics.store(this.#words, WRITING + this.#row, 1)
    if (Atomics.load(this.#words, LONG_WRITER) === NOBODY) return true
    Atomics.store(this.#words, WRITING + this.#row, 0)
    return false
  }

  #takeLongTurn (): boolean {
    const key = this.#row + 1
    const owner = Atomics.compareExchange(this.#words, LONG_WRITER, NOBODY, key)
    if ((owner !== NOBODY && owner !== key) || this.#isAnyWriting()) return false
    // From here on there may be a part of a line.
    Atomics.store(this.#words, WRITING + this.#row, 1)
    return true
  }

  get #hasTurn (): boolean {
    return Atomics.load(this.#words, WRITING + this.#row) !== 0
  }

  get #hasLongTurn (): boolean {
    return this.#hasTurn && Atomics.load(this.#words, LONG_WRITER) === this.#row + 1
  }

  #endTurn (): void {
    Atomics.store(this.#words, WRITING + this.#row, 0)
    Atomics.compareExchange(this.#words, LONG_WRITER, this.#row + 1, NOBODY)
  }

  #isAnyWriting (): boolean {
    for (let row = 0; row < this.#rows; row++) if (Atomics.load(this.#words, WRITING + row) !== 0) return true
    return false
  }

  /** Writes these whole lines, or the rest of one whose turn it is, as the others are used to; false if the time, or the reader, ends first. */
  #writeWaiting (bytes: Buffer, isTime: () => boolean): boolean {
    const take = (): boolean => bytes.length > this.#maxBytes ? this.#takeLongTurn() : this.#takeShortTurn()
    while (!this.#hasTurn && !take()) {
      if (!isTime()) return false
      sleep()
    }
    for (let rest = bytes; rest.length > 0;) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest, 0, rest.length))
      } catch (error) {
        if (!isFull(error) || !isTime()) return false
        sleep()
      }
    }
    this.#endTurn()
    return true
  }

  #write (): void {
    const bytes = this.#current ?? Buffer.alloc(0)
    this.#isInHand = true
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      this.#isInHand = false
      if (error !== null && isFull(error)) {
        setTimeout(() => this.#write(), RETRY_MS)
        return
      }
      if (error !== null) return this.#failed(error)
      this.#writes++
      if (written < bytes.length) {
        this.#current = bytes.subarray(written)
        this.#isPartOut = true
        this.#write()
        return
      }
      this.#endTurn()
      this.#next()
    })
  }

  /** These lines are lost. Others may be written again after a while, unless nobody reads any more. */
  #failed (error: Error): void {
    this.#endTurn()
    if ('code' in error && FINAL_ERRORS.has(String(error.code))) {
      this.#isBroken = true
      this.#chunks = []
      this.#next()
      return
    }
    if (this.#isPartOut) this.#chunks.unshift({ text: '\n', bytes: 1 })
    setTimeout(() => this.#next(), RETRY_MS)
  }
}

/** Blocks the thread for RETRY_MS. */
function sleep (): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
}

function isFull (error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY')
}
