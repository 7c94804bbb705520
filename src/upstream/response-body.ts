/** A streamed answer between the upstream connection and the client: what comes is passed on at once, with backpressure. */
import { Readable } from 'node:stream'
import { noteStreamed } from './read-buffers.ts'

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

  constructor (flow: ResponseFlow) {
    super()
    this.#flow = flow
  }

  /** Passes on a part of the answer. */
  pass (chunk: Buffer): void {
    noteStreamed(chunk.length)
    if (this.push(chunk) || this.#isPaused || this.destroyed) return
    this.#isPaused = true
    this.#flow.pause()
  }

  /** The answer is whole. */
  finish (): void {
    this.push(null)
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
}
