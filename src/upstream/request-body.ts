/**
 * The body of a request on its way to a backend. A small one whose length is known is read as a whole before it is sent: it
 * goes out in one write and can be sent again. Any other is streamed with backpressure, and its beginning is kept: as long as
 * all that was read is kept, it can be sent again too.
 */
import type { Readable } from 'node:stream'
import type { FieldList } from '../wire/fields.ts'
import { noteStreamed } from './read-buffers.ts'
import { Timed, type TimeoutQueue } from '../timing/timeout-queue.ts'

/** Bodies up to this many bytes can be replayed. */
export const REPLAY_LIMIT_BYTES = 64 * 1024

/** In so many parts a body is kept at most: one that comes in more is made of small ones, which cost far more as objects than in bytes. */
export const KEPT_PARTS_LIMIT = 64

/** What an attempt sends: nothing, the whole body, or one that comes in parts. */
export type AttemptBody = null | Buffer | RequestBody

/** Where the parts of a body go. */
export interface BodySink {
  /** Takes a part; false if the next one should wait for `RequestBody.resume`. */
  bodyPart (part: Buffer): boolean
  bodyEnd (trailers: FieldList): void
}

/** Who has to know what the client does. */
export interface BodyOwner {
  /** A part was read from the client. */
  bodyRead (bytes: number): void
  /** It cannot be read to its end: the client left, or what it sent is no body. */
  bodyBroken (error: Error): void
  /** The client has sent more than it may. */
  bodyTooLarge (): void
  /** The client has been silent for too long in the middle of the body. */
  bodyStalled (timeoutMs: number): void
}

export interface RequestBodyOptions {
  readonly source: Readable
  /** Content-Length, or undefined if the length is not known ahead. */
  readonly length: number | undefined
  /** The most that the client may send, in bytes; 0: as much as it likes. */
  readonly maxBytes: number
  /** Whether a small body may be waited for; not if the client waits to be asked for it. */
  readonly mayCollect: boolean
  /** The deadlines for the client's silence. */
  readonly timeouts: TimeoutQueue
  /** The fields behind the body, read when it has ended; undefined if the request ends in failure for them. */
  readonly trailers: () => FieldList | undefined
  /** Whether the source has ended because the client broke off: Node ends a stream of HTTP/2 that was reset. */
  readonly isCut?: () => boolean
  readonly owner: BodyOwner
}

export class RequestBody extends Timed {
  /** Its length in bytes; undefined if it is not known ahead. */
  readonly length: number | undefined
  readonly #source: Readable
  readonly #owner: BodyOwner
  readonly #maxBytes: number
  readonly #timeouts: TimeoutQueue
  readonly #trailers: () => FieldList | undefined
  readonly #isCut: () => boolean
  readonly #isSmall: boolean
  #kept: Buffer[] = []
  #readBytes = 0
  /** Whether everything that was read is still kept. */
  #isWhole = true
  #ended = false
  #isDiscarded = false
  #whenEnded: (() => void) | undefined
  #sink: BodySink | undefined
  #sinkWantsMore = false
  /** Whether the client knows that its body is wanted: not as long as it waits to be asked. */
  #isAsked: boolean

  constructor ({ source, length, maxBytes, mayCollect, timeouts, trailers, isCut = never, owner }: RequestBodyOptions) {
    super()
    this.#source = source
    this.length = length
    this.#maxBytes = maxBytes
    this.#timeouts = timeouts
    this.#trailers = trailers
    this.#isCut = isCut
    this.#owner = owner
    this.#isAsked = mayCollect
    this.#isSmall = mayCollect && length !== undefined && length <= REPLAY_LIMIT_BYTES
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
    return !this.#ended && this.#sinkWantsMore
  }

  /** Begins to read; calls back when there is enough to send: all of a small body, nothing of another. */
  prepare (callback: () => void): void {
    this.#source.on('data', (chunk: Buffer | string) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
    this.#source.on('end', () => this.#end())
    this.#source.on('error', (error) => this.#owner.bodyBroken(error))
    if (this.#isSmall) {
      this.#whenEnded = callback
      this.#timeouts.start(this)
    } else {
      this.#source.pause()
      callback()
    }
  }

  /** What the next attempt sends. Only once, unless `canReplay`. */
  forAttempt (): AttemptBody {
    return this.#isSmall ? this.#wholeBody() : this
  }

  /** Sends what is kept and all that follows to `sink`, in place of an earlier one. */
  attach (sink: BodySink): void {
    this.#sink = sink
    this.#sinkWantsMore = true
    for (const part of this.#kept) this.#sinkWantsMore = sink.bodyPart(part)
    if (this.#ended) sink.bodyEnd(this.#trailers() ?? [])
    else if (this.#sinkWantsMore) this.#flow()
  }

  /** The client was told to go on. */
  asked (): void {
    this.#isAsked = true
    if (!this.#ended && this.#sinkWantsMore) this.#timeouts.start(this)
  }

  /** The sink takes more. */
  resume (sink: BodySink): void {
    if (sink !== this.#sink || this.#ended) return
    this.#sinkWantsMore = true
    this.#flow()
  }

  /** The sink takes nothing any more; the client has to wait. */
  detach (sink: BodySink): void {
    if (sink !== this.#sink) return
    this.#sink = undefined
    this.#sinkWantsMore = false
    if (!this.#ended && !this.#isDiscarded) this.#hold()
  }

  /** Reads what is left and throws it away, so that the client gets to read its answer. */
  discard (): void {
    this.#sink = undefined
    this.#sinkWantsMore = false
    this.#isDiscarded = true
    this.#drop()
    this.#whenEnded = undefined
    this.queue?.clear(this)
    if (!this.#ended) this.#source.resume()
  }

  override timedOut (timeoutMs: number): void {
    this.#owner.bodyStalled(timeoutMs)
  }

  #flow (): void {
    if (this.#isAsked) this.#timeouts.start(this)
    this.#source.resume()
  }

  #hold (): void {
    this.queue?.clear(this)
    this.#source.pause()
  }

  #read (chunk: Buffer): void {
    if (this.#isDiscarded) return
    this.#owner.bodyRead(chunk.length)
    noteStreamed(chunk.length)
    this.#readBytes += chunk.length
    if (this.#maxBytes > 0 && this.#readBytes > this.#maxBytes) return this.#owner.bodyTooLarge()
    this.queue?.start(this)
    if (this.#isWhole && this.#readBytes <= REPLAY_LIMIT_BYTES) this.#keep(chunk)
    else this.#drop()
    if (this.#sink === undefined) return
    this.#sinkWantsMore = this.#sink.bodyPart(chunk)
    if (!this.#sinkWantsMore) this.#hold()
  }

  #keep (chunk: Buffer): void {
    if (this.#kept.push(chunk) > KEPT_PARTS_LIMIT) this.#kept = [Buffer.concat(this.#kept)]
  }

  #drop (): void {
    this.#isWhole = false
    this.#kept = []
  }

  #end (): void {
    if (this.#isCut()) return
    this.#ended = true
    this.queue?.clear(this)
    if (this.#sink !== undefined) {
      const trailers = this.#trailers()
      if (trailers === undefined) return
      this.#sink.bodyEnd(trailers)
    }
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

function never (): boolean {
  return false
}
