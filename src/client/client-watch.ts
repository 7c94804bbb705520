/** Watches the client of an exchange: whether it is still there, and whether it takes its answer. */
import type { Socket } from 'node:net'
import { Deadline } from '../timing/deadline.ts'
import type { TimeoutQueue } from '../timing/timeout-queue.ts'
import { type EndWatcher, unwatchEnd, watchEnd, whenClosed } from './client-connections.ts'
import { http2Stream } from './client-response.ts'
import type { ClientReply, RawRequest } from './client-side.ts'
import { BEFORE_ANSWER, BETWEEN_CHUNKS, HalfClose } from './half-close.ts'

export interface ClientWatchOptions {
  readonly raw: RawRequest
  readonly reply: ClientReply
  /** The time that a client may take nothing of its answer. */
  readonly sendTimeouts: TimeoutQueue
  /** The client's side is closed: after its answer, or because it left. */
  readonly onClosed: () => void
  /** The client has taken nothing of its answer for too long. */
  readonly onStalled: (timeoutMs: number) => void
}

export class ClientWatch implements EndWatcher {
  readonly #options: ClientWatchOptions
  readonly #sending: Deadline
  #halfClose: HalfClose | undefined
  /** Of HTTP/1: its end is watched. */
  #socket: Socket | undefined
  #isAnswered = false
  #hasEnded = false

  constructor (options: ClientWatchOptions) {
    this.#options = options
    this.#sending = new Deadline((timeoutMs) => this.#notTaken(timeoutMs))
    const { raw: response } = options.reply
    const onClose = (): void => this.#closed()
    response.on('close', onClose)
    if (http2Stream(response) !== undefined) return
    const { socket } = options.raw
    if (response.socket === null) {
      // The answer waits behind that of a pipelined request before it, and is not told by Node 24 when the connection closes.
      response.once('close', whenClosed(socket, onClose))
      response.once('socket', () => this.#watchEnd())
    } else {
      this.#watchEnd()
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
    if (this.#hasEnded) this.#ended()
  }

  /** There is more to send than the client takes for now, or no more to come. */
  waitForClient (): void {
    if (!this.#options.reply.raw.writableFinished) this.#options.sendTimeouts.start(this.#sending)
  }

  /** The client has taken something. */
  clientTook (): void {
    this.#sending.clear()
  }

  clientEnded (): void {
    this.#ended()
  }

  #watchEnd (): void {
    const { socket } = this.#options.raw
    if (socket.readableEnded) return this.#ended()
    this.#socket = socket
    watchEnd(socket, this)
  }

  /** The client has ended its side: whether it has left too is to be found out. */
  #ended (): void {
    const { raw: { socket, httpVersionMinor }, reply: { raw: response } } = this.#options
    this.#hasEnded = true
    if (httpVersionMinor !== 1) return
    if (!this.#isAnswered) this.#halfClose = new HalfClose(socket, BEFORE_ANSWER, () => !this.#isAnswered)
    else this.#halfClose = new HalfClose(socket, BETWEEN_CHUNKS, () => isChunked(response))
  }

  #notTaken (timeoutMs: number): void {
    const { raw } = this.#options.reply
    // An answer behind that of another request is not at its turn yet.
    if (http2Stream(raw) === undefined && raw.socket === null) this.waitForClient()
    else this.#options.onStalled(timeoutMs)
  }

  #closed (): void {
    this.#sending.clear()
    this.#halfClose?.stop()
    if (this.#socket !== undefined) unwatchEnd(this.#socket, this)
    this.#options.onClosed()
  }
}

/** Whether an answer is under way that comes in chunks. */
function isChunked (response: ClientReply['raw']): boolean {
  return response.headersSent && !response.writableEnded && response.chunkedEncoding
}
