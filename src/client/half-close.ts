/**
 * A client that has sent FIN has either left or only ended its side and waits for the answer. Its kernel knows which: one
 * that has left answers the next bytes with a reset. So it gets bytes that change nothing, in two halves: the first brings
 * the reset about, the second fails if there was one.
 */
import type { Socket } from 'node:net'

/** Bytes that mean nothing where they stand. */
export interface Question {
  readonly first: string
  readonly second: string
  /** Whether the first must not be without the second. */
  readonly isOne: boolean
  /** Whether it may be asked again and again. */
  readonly repeats: boolean
}

/** Before the answer: an interim answer, which every client of HTTP/1.1 has to pass over (RFC 9110, section 15.2). */
export const BEFORE_ANSWER: Question = { first: 'HTTP/1.1 100 Continue\r\n', second: '\r\n', isOne: true, repeats: true }

/** Between two chunks of an answer: leading zeros of the next chunk's size (RFC 9112, section 7.1). Not many: some count digits. */
export const BETWEEN_CHUNKS: Question = { first: '0', second: '0', isOne: false, repeats: false }

/** Time without an answer, or without more of it, before the client is asked, in ms. */
const PATIENCE_MS = 200

/** Time for the reset to come back, in ms. */
const ROUND_TRIP_MS = 300

/** How often a client that is still there is asked again, in ms. */
const REPEAT_MS = 5_000

export class HalfClose {
  readonly #socket: Socket
  readonly #question: Question
  readonly #mayAsk: () => boolean
  #timer: NodeJS.Timeout
  #isWithin = false

  /** The client of `socket` has ended its side. One that has left closes the socket. `mayAsk`: whether the question still fits. */
  constructor (socket: Socket, question: Question = BEFORE_ANSWER, mayAsk: () => boolean = () => true) {
    this.#socket = socket
    this.#question = question
    this.#mayAsk = mayAsk
    this.#timer = setTimeout(() => this.#ask(), PATIENCE_MS).unref()
  }

  /** Nothing is asked any more. */
  stop (): void {
    clearTimeout(this.#timer)
    this.finishQuestion()
  }

  /** Something else is to be written: a question that has begun is brought to its end. */
  finishQuestion (): void {
    if (this.#isWithin && this.#question.isOne && this.#socket.writable) this.#socket.write(this.#question.second, 'latin1')
    this.#isWithin = false
  }

  #ask (): void {
    if (!this.#mayAsk()) return
    this.#isWithin = true
    this.#socket.write(this.#question.first, 'latin1')
    this.#timer = setTimeout(() => this.#confirm(), ROUND_TRIP_MS).unref()
  }

  #confirm (): void {
    if (this.#isWithin && this.#mayAsk() && this.#socket.writable) this.#socket.write(this.#question.second, 'latin1')
    this.#isWithin = false
    if (this.#question.repeats) this.#timer = setTimeout(() => this.#ask(), REPEAT_MS).unref()
  }
}
