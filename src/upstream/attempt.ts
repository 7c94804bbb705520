/**
 * One try of one request at one backend: carries undici's callbacks to its owner, keeps the deadlines, and settles the
 * account exactly once, however it ends.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import { UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError, UpstreamResetError } from '../errors.ts'
import type { Backend } from '../pool/backend.ts'
import type { UpstreamConnection } from './connection.ts'
import type { EngineParts } from './engine-parts.ts'
import { Timed } from './timeout-queue.ts'

/** The head of a final answer. */
export interface ResponseHead {
  readonly statusCode: number
  readonly statusText: string
  /** Names in lower case; a repeated field is a list. Values are latin1. */
  readonly headers: IncomingHttpHeaders
}

/** Whoever made the attempt. After `attemptDone`, `attemptFailed` or `attemptUpgraded` nothing more is called. */
export interface AttemptOwner {
  attemptHead (attempt: Attempt, head: ResponseHead): void
  attemptData (attempt: Attempt, chunk: Buffer): void
  attemptDone (attempt: Attempt): void
  attemptFailed (attempt: Attempt, cause: Error): void
  /** The backend switched protocols. The attempt stays in flight until `close`. */
  attemptUpgraded (attempt: Attempt, head: ResponseHead, socket: Duplex): void
  /** Whether the upload waits for the client, so that the backend cannot be blamed for its silence. */
  readonly waitsForClient: boolean
}

export class Attempt extends Timed implements Dispatcher.DispatchHandler {
  readonly backend: Backend
  /** Whether the request was given to a connected socket. */
  sent = false
  /** Whether that socket had carried answers before. */
  onUsedConnection = false

  readonly #owner: AttemptOwner
  readonly #connection: UpstreamConnection
  readonly #parts: EngineParts
  #controller: Dispatcher.DispatchController | undefined
  #isOver = false
  #isPaused = false
  /** Whether only the end of the connection ends the answer (RFC 9112, section 6.3, rule 8). */
  #endsWithConnection = false

  constructor (owner: AttemptOwner, backend: Backend, connection: UpstreamConnection, parts: EngineParts) {
    super()
    this.#owner = owner
    this.backend = backend
    this.#connection = connection
    this.#parts = parts
  }

  send (options: Dispatcher.DispatchOptions): void {
    this.#parts.pool.counters.attemptStarted(this.backend.slot)
    this.#connection.dispatch(options, this)
  }

  /** Gives the attempt up: its connection ends at once. The owner is not called any more. */
  abort (): void {
    if (!this.#isOver) this.#settle(false)
  }

  /** Ends an attempt that became a tunnel. */
  close (): void {
    if (!this.#isOver) this.#settle(false, true)
  }

  /** From here on the answer must not fall silent for longer than the idle timeout. */
  watchSilence (): void {
    if (!this.#isOver && !this.#isPaused) this.#parts.idleTimeouts.start(this)
  }

  /** The client takes no more for now. */
  pause (): void {
    this.#isPaused = true
    this.queue?.clear(this)
    this.#controller?.pause()
  }

  resume (): void {
    if (!this.#isPaused || this.#isOver) return
    this.#isPaused = false
    this.#parts.idleTimeouts.start(this)
    this.#controller?.resume()
  }

  /** A part of the body went to the backend: its time to answer begins anew. */
  onBodySent (): void {
    if (!this.#isOver && this.queue === this.#parts.headersTimeouts) this.queue.start(this)
  }

  override timedOut (timeoutMs: number): void {
    const isHeadMissing = this.#isHeadMissing
    if (isHeadMissing && this.#owner.waitsForClient) return this.#parts.headersTimeouts.start(this)
    this.#fail(isHeadMissing ? new UpstreamHeadersTimeoutError(timeoutMs) : new UpstreamIdleTimeoutError(timeoutMs))
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) return
    this.sent = true
    this.onUsedConnection = this.#connection.answersOnSocket > 0
    this.#parts.headersTimeouts.start(this)
  }

  onResponseStart (_controller: Dispatcher.DispatchController, statusCode: number, headers: IncomingHttpHeaders, statusText = ''): void {
    if (this.#isOver || statusCode < 200) return
    this.#isHeadMissing = false
    this.#endsWithConnection = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
    // Most answers come whole with their head; `watchSilence` is called for the others.
    this.queue?.clear(this)
    this.#owner.attemptHead(this, { statusCode, statusText, headers })
  }

  onResponseData (_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    this.queue?.start(this)
    this.#owner.attemptData(this, chunk)
  }

  onResponseEnd (): void {
    if (this.#isOver) return
    // A reset also ends the connection, but an answer that it ended is not whole.
    if (this.#endsWithConnection && this.#connection.socketFailed) return this.#fail(new UpstreamResetError())
    this.#connection.answersOnSocket++
    this.#settle(true)
    this.#owner.attemptDone(this)
  }

  onResponseError (_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(error)
  }

  onRequestUpgrade (_controller: Dispatcher.DispatchController, statusCode: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    if (this.#isOver) {
      socket.destroy()
      return
    }
    this.queue?.clear(this)
    this.#owner.attemptUpgraded(this, { statusCode, statusText: '', headers }, socket)
  }

  #isHeadMissing = true

  #fail (cause: Error): void {
    if (this.#isOver) return
    this.#settle(false)
    this.#owner.attemptFailed(this, cause)
  }

  #settle (connectionIsGood: boolean, isTunnel = false): void {
    this.#isOver = true
    this.queue?.clear(this)
    const { pool, connections, nowMs } = this.#parts
    const own = connections[this.backend.slot]
    if (connectionIsGood) own?.giveBack(this.#connection, nowMs())
    else own?.discard(this.#connection, isTunnel)
    pool.counters.attemptEnded(this.backend.slot)
  }
}
