/**
 * A streamed answer between the upstream connection and the client: what comes is passed on within the turn, with backpressure.
 * The pieces of one read are joined if they are small: as objects, thousands of them would wait for a slow client.
 */
import { Readable } from 'node:stream'
import { noteStreamed } from './read-buffers.ts'

/** Pieces that are smaller than this on average are joined, in bytes; larger ones are not worth the copy. */
const SMALL_PIECE_BYTES = 1024

/** The upstream connection's side of it. */
export interface ResponseFlow {
  /** The client takes no more for now. */
  pause (): void
  resume (): void
  /** Nobody reads the answer any more. */
  abandoned (): void
}

export class ResponseBody extends Readable {
  readonly #flow: ResponseFlow
  #isPaused = false
  /** What came in this turn. */
  #pieces: Buffer[] = []
  #pieceBytes = 0

  constructor (flow: ResponseFlow) {
    super()
    this.#flow = flow
  }

  /** Passes on a part of the answer. */
  pass (chunk: Buffer): void {
    noteStreamed(chunk.length)
    this.#pieceBytes += chunk.length
    if (this.#pieces.push(chunk) === 1) process.nextTick(pushPieces, this)
  }

  /** The answer is whole. */
  finish (): void {
    this.pushPieces()
    this.push(null)
  }

  /** Called when all of one read has come. */
  pushPieces (): void {
    const pieces = this.#pieces
    const areSmall = pieces.length > 1 && this.#pieceBytes < pieces.length * SMALL_PIECE_BYTES
    const parts = areSmall ? [Buffer.concat(pieces, this.#pieceBytes)] : pieces
    this.#pieces = []
    this.#pieceBytes = 0
    for (const part of parts) this.#push(part)
  }

  override _read (): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#flow.resume()
  }

  override _destroy (error: Error | null, callback: (error?: Error | null) => void): void {
    this.#flow.abandoned()
    callback(error)
  }

  #push (part: Buffer): void {
    if (this.destroyed || this.push(part) || this.#isPaused || this.destroyed) return
    this.#isPaused = true
    this.#flow.pause()
  }
}

function pushPieces (body: ResponseBody): void {
  body.pushPieces()
}
