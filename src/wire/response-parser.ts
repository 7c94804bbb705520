/**
 * Reads the responses of a connection, one after the other, strictly: whatever two readers could take for different things is
 * a fault. It is fed with bytes as they come, split anywhere.
 */
import { ChunkedDecoder } from './chunked-decoder.ts'
import { type FieldList, type Lines, linesOf } from './fields.ts'
import { MessageFault } from './message-fault.ts'
import { type AnsweredRequest, readResponseHead, type ResponseHead } from './response-head.ts'
import { SectionCollector } from './section.ts'

/** Who is told of the parts of a response. */
export interface ResponseSink {
  /** A provisional answer (1xx other than 101). */
  onInformation (head: ResponseHead): void
  /** The head of the final answer, or a 101. */
  onHead (head: ResponseHead): void
  onBody (data: Buffer): void
}

/** The largest head that is read, in bytes. */
export const MAX_RESPONSE_HEAD_BYTES = 64 * 1024

/** Provisional answers that one request can have. */
export const MAX_PROVISIONAL = 32

/** So much is looked at first; most heads are shorter. */
const USUAL_HEAD_BYTES = 2 * 1024

const VERSION = 'HTTP/1.'

const HEAD = 0
const LENGTH = 1
const CHUNKED = 2
const CLOSE = 3
const DONE = 4

const NO_TRAILERS: FieldList = []

const NO_REQUEST: AnsweredRequest = { method: 'GET' }

export class ResponseParser {
  readonly #sink: ResponseSink
  #request = NO_REQUEST
  #state = DONE
  #section: SectionCollector | undefined
  #beginning = ''
  #left = 0
  #chunked: ChunkedDecoder | undefined
  #provisional = 0

  constructor (sink: ResponseSink) {
    this.#sink = sink
  }

  /** A request was sent: its response comes next. */
  begin (request: AnsweredRequest): void {
    this.#request = request
    this.#state = HEAD
    this.#section = undefined
    this.#chunked = undefined
    this.#provisional = 0
  }

  /** The exchange is over. Nothing of it is held any more: a connection may be idle for long. Not while something is being read. */
  forget (): void {
    this.#request = NO_REQUEST
    this.#section = undefined
    this.#chunked = undefined
  }

  /** Whether the response is whole. */
  get isDone (): boolean {
    return this.#state === DONE
  }

  /** Whether bytes of a response have come that are not told yet. */
  get isWithinHead (): boolean {
    return this.#state === HEAD && this.#section !== undefined
  }

  /** The fields behind the body. */
  get trailers (): FieldList {
    return this.#chunked?.trailers ?? NO_TRAILERS
  }

  /** Reads on. Returns how many of the bytes belong to the response; what lies behind them does not. Throws a MessageFault. */
  execute (bytes: Buffer): number {
    let position = 0
    while (this.#state === HEAD && position < bytes.length) position = this.#head(bytes, position)
    if (position < bytes.length && this.#state !== DONE) position = this.#body(bytes, position)
    return position
  }

  /** The connection has ended. Whether that made the response whole. */
  finish (): boolean {
    if (this.#state === CLOSE) this.#state = DONE
    return this.#state === DONE
  }

  /** Reads a head from `position` on; returns the position behind it, or behind all bytes if more of it has to come. */
  #head (bytes: Buffer, position: number): number {
    if (this.#section === undefined) {
      const text = bytes.toString('latin1', position, Math.min(bytes.length, position + USUAL_HEAD_BYTES))
      const end = text.indexOf('\r\n\r\n')
      if (end !== -1) {
        this.#tell({ bytes: position === 0 ? bytes : bytes.subarray(position), text }, end + 4)
        return position + end + 4
      }
      this.#section = new SectionCollector(MAX_RESPONSE_HEAD_BYTES)
      this.#beginning = ''
    }
    const text = bytes.toString('latin1', position, Math.min(bytes.length, position + MAX_RESPONSE_HEAD_BYTES))
    this.#judgeBeginning(text)
    const section = this.#section.add(text)
    if (section === undefined) return bytes.length
    this.#section = undefined
    this.#tell(linesOf(section.text), section.text.length)
    return position + section.taken
  }

  #tell (lines: Lines, limit: number): void {
    const head = readResponseHead(lines, limit, this.#request)
    if (head.statusCode < 200 && head.statusCode !== 101) {
      if (++this.#provisional > MAX_PROVISIONAL) throw new MessageFault('too many provisional answers')
      this.#sink.onInformation(head)
    } else {
      this.#begin(head)
      this.#sink.onHead(head)
    }
  }

  /** Rubbish is not waited for: what can be told of a head by its first bytes is told. */
  #judgeBeginning (text: string): void {
    if (this.#beginning.length === VERSION.length) return
    this.#beginning = (this.#beginning + text).slice(0, VERSION.length)
    if (!VERSION.startsWith(this.#beginning)) throw new MessageFault('an answer that does not begin with HTTP/1')
  }

  #begin (head: ResponseHead): void {
    switch (head.framing) {
      case 'length':
        this.#left = head.contentLength
        this.#state = head.contentLength === 0 ? DONE : LENGTH
        return
      case 'chunked':
        this.#chunked = new ChunkedDecoder((data) => this.#sink.onBody(data))
        this.#state = CHUNKED
        return
      case 'close':
        this.#state = CLOSE
        return
      case 'none':
        this.#state = DONE
    }
  }

  #body (input: Buffer, position: number): number {
    if (this.#state === CHUNKED && this.#chunked !== undefined) {
      const end = this.#chunked.execute(input, position)
      if (this.#chunked.isDone) this.#state = DONE
      return end
    }
    const end = this.#state === CLOSE ? input.length : Math.min(input.length, position + this.#left)
    this.#left -= end - position
    if (this.#state === LENGTH && this.#left === 0) this.#state = DONE
    this.#sink.onBody(position === 0 && end === input.length ? input : input.subarray(position, end))
    return end
  }
}
