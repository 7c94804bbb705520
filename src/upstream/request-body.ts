/**
 * The body of a request on its way to a backend. A small one whose length is known is read as a whole before it is sent: it
 * goes out in one write and can be sent again. Any other is streamed with backpressure, and its beginning is kept: as long as
 * all that was read is kept, it can be sent again too.
 */
import { Readable } from 'node:stream'
import { noteStreamed } from './read-buffers.ts'

/** Bodies up to this many bytes can be replayed. */
export const REPLAY_LIMIT_BYTES = 64 * 1024

/** What an attempt sends: nothing, the whole body, or a stream that ends with it. */
export type AttemptBody = null | Buffer | Readable

export interface RequestBodyOptions {
  readonly source: Readable
  /** Content-Length, or undefined if the length is not known ahead. */
  readonly length: number | undefined
  /** Called whenever a part was read from the client, with its size. */
  readonly onRead: (bytes: number) => void
}

export class RequestBody {
  readonly #source: Readable
  readonly #onRead: (bytes: number) => void
  readonly #isSmall: boolean
  #kept: Buffer[] = []
  #keptBytes = 0
  /** Whether everything that was read is still kept. */
  #isWhole = true
  #ended = false
  #whenEnded: (() => void) | undefined
  #sink: BodyStream | undefined

  constructor ({ source, length, onRead }: RequestBodyOptions) {
    this.#source = source
    this.#onRead = onRead
    this.#isSmall = length !== undefined && length <= REPLAY_LIMIT_BYTES
  }

  /** Whether it can be sent once more from its first byte. */
  get canReplay (): boolean {
    return this.#isWhole
  }

  /** Whether all of it has come from the client. */
  get isComplete (): boolean {
    return this.#ended
  }

  /** Whether the client is the one that is waited for, not the backend. */
  get waitsForClient (): boolean {
    return !this.#ended && this.#sink?.wantsMore === true
  }

  /** Begins to read; calls back when there is enough to send: all of a small body, nothing of another. */
  prepare (callback: () => void): void {
    this.#source.on('data', (chunk: Buffer | string) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
    this.#source.on('end', () => this.#end())
    // The client leaving is noticed by the exchange; here the stream only must not go unheard.
    this.#source.on('error', () => this.#sink?.destroy())
    if (this.#isSmall) {
      this.#whenEnded = callback
    } else {
      this.#source.pause()
      callback()
    }
  }

  /** What the next attempt sends. Only once, unless `canReplay`. */
  forAttempt (): AttemptBody {
    if (this.#isSmall) return this.#wholeBody()
    this.#sink?.destroy()
    const sink = new BodyStream(() => this.#source.resume())
    this.#sink = sink
    for (const chunk of this.#kept) sink.push(chunk)
    if (this.#ended) sink.push(null)
    return sink
  }

  /** Reads what is left and throws it away, so that the connection of the client can be used on. */
  discard (): void {
    this.#sink = undefined
    this.#drop()
    this.#whenEnded = undefined
    if (!this.#ended) this.#source.resume()
  }

  #read (chunk: Buffer): void {
    this.#onRead(chunk.length)
    noteStreamed(chunk.length)
    this.#keptBytes += chunk.length
    if (this.#isWhole && this.#keptBytes <= REPLAY_LIMIT_BYTES) this.#kept.push(chunk)
    else this.#drop()
    if (this.#sink?.push(chunk) === false) this.#source.pause()
  }

  #drop (): void {
    this.#isWhole = false
    this.#kept = []
  }

  #end (): void {
    this.#ended = true
    this.#sink?.push(null)
    this.#whenEnded?.()
    this.#whenEnded = undefined
  }

  #wholeBody (): AttemptBody {
    const first = this.#kept[0]
    if (first === undefined) return null
    if (this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept)]
    return this.#kept[0] ?? null
  }
}

/** The stream that one attempt reads. Destroying it (undici does) leaves the client's side as it is. */
class BodyStream extends Readable {
  /** Whether the backend's side takes more than there is. */
  wantsMore = false
  readonly #resumeSource: () => void

  constructor (resumeSource: () => void) {
    super({ highWaterMark: REPLAY_LIMIT_BYTES })
    this.#resumeSource = resumeSource
    // Why it was destroyed is told by the attempt.
    this.on('error', () => {})
  }

  override push (chunk: Buffer | null): boolean {
    if (this.destroyed) return true
    this.wantsMore = super.push(chunk)
    return this.wantsMore
  }

  override _read (): void {
    this.wantsMore = true
    this.#resumeSource()
  }
}
