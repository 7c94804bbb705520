/** Watches the client of an exchange: whether it is still there, and whether it takes its answer. */
import { Timed, type TimeoutQueue } from '../timing/timeout-queue.ts'
import { type ConnectionWatcher, unwatchConnection, watchConnection } from './client-connections.ts'
import { http2Stream } from './client-response.ts'
import type { ClientReply, RawRequest } from './client-side.ts'
import { BEFORE_ANSWER, BETWEEN_CHUNKS, HalfClose } from './half-close.ts'

/** Who is told. */
export interface ClientOwner {
  /** The client's side is closed: after its answer, or because it left. Once. */
  clientClosed (): void
  /** The client has taken nothing of its answer for too long. */
  clientStalled (timeoutMs: number): void
}

export interface ClientWatchOptions {
  readonly raw: RawRequest
  readonly reply: ClientReply
  /** The time that a client may take nothing of its answer. */
  readonly sendTimeouts: TimeoutQueue
  readonly owner: ClientOwner
}

export class ClientWatch extends Timed implements ConnectionWatcher {
  readonly #raw: RawRequest
  readonly #response: ClientReply['raw']
  readonly #sendTimeouts: TimeoutQueue
  readonly #owner: ClientOwner
  readonly #isHttp2: boolean
  #halfClose: HalfClose | undefined
  #isAnswered = false
  #hasEnded = false
  #isOver = false

  constructor ({ raw, reply, sendTimeouts, owner }: ClientWatchOptions) {
    super()
    this.#raw = raw
    this.#response = reply.raw
    this.#sendTimeouts = sendTimeouts
    this.#owner = owner
    this.#isHttp2 = http2Stream(this.#response) !== undefined
    if (this.#isHttp2) this.#response.on('close', () => this.clientClosed())
    else {
      watchConnection(raw.socket, this)
      if (raw.socket.readableEnded) this.clientEnded()
    }
  }

  /** Something is written to the client before its answer: not into the middle of a question. */
  interim (): void {
    this.#halfClose?.finishQuestion()
  }

  /** The head of the answer is about to be sent. */
  answerBegins (): void {
    this.#isAnswered = true
    this.#halfClose?.stop()
    // What is asked of a client that has ended its side is another thing now.
    if (this.#hasEnded) this.clientEnded()
  }

  /** There is more to send than the client takes for now, or no more to come. */
  waitForClient (): void {
    if (!this.#isOver && !this.#isTaken()) this.#sendTimeouts.start(this)
  }

  /** The client has taken something. */
  clientTook (): void {
    this.queue?.clear(this)
  }

  override timedOut (timeoutMs: number): void {
    this.#owner.clientStalled(timeoutMs)
  }

  /** The client has ended its side: whether it has left too is to be found out. */
  clientEnded (): void {
    const { socket, httpVersionMinor } = this.#raw
    this.#hasEnded = true
    if (httpVersionMinor !== 1) return
    if (!this.#isAnswered) this.#halfClose = new HalfClose(socket, BEFORE_ANSWER, () => !this.#isAnswered)
    else this.#halfClose = new HalfClose(socket, BETWEEN_CHUNKS, () => isChunked(this.#response))
  }

  clientClosed (): void {
    if (this.#isOver) return
    this.stop()
    this.#owner.clientClosed()
  }

  /** The response has finished. In HTTP/2 that tells little: streams that were reset finish too; their close comes soon. */
  answered (): void {
    if (!this.#isHttp2) this.clientClosed()
  }

  /** Somebody else has the connection now: nothing more is told. */
  stop (): void {
    this.#isOver = true
    this.queue?.clear(this)
    this.#halfClose?.stop()
    if (!this.#isHttp2) unwatchConnection(this.#raw.socket, this)
  }

  /** Whether nothing is left that the client could fail to take: the kernel has all that was written. */
  #isTaken (): boolean {
    const response = this.#response
    if (response.writableFinished) return true
    return !this.#isHttp2 && response.writableEnded && this.#raw.socket.writableLength === 0
  }
}

/** Whether an answer is under way that comes in chunks. */
function isChunked (response: ClientReply['raw']): boolean {
  return response.headersSent && !response.writableEnded && response.chunkedEncoding
}
