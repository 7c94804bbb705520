/**
 * The backend's answer on its way to the client. What arrived whole in one read is sent in one write, without a stream; of
 * anything else the head goes out at once and the body follows as it comes.
 */
import { isAscii } from 'node:buffer'
import { STATUS_CODES } from 'node:http'
import { addTrailers, cutResponse, endWithHead, grouped, http2Stream, isGone, takesTrailers } from '../client/client-response.ts'
import type { ClientReply } from '../client/client-side.ts'
import type { FieldList } from '../wire/fields.ts'
import { fieldsForHttp2 } from '../wire/http2-fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Attempt } from './attempt.ts'
import { isMediaType } from './media-type.ts'
import { ResponseBody } from './response-body.ts'

/** What may stand in a status line's text without a second thought: printable ASCII. */
const PLAIN_TEXT = /^[\x20-\x7e]*$/

/**
 * Up to this size a whole body is sent as text, if it is ASCII. Beyond it Node has to find memory for the text, three bytes a
 * character, and a write of head and body in two pieces is cheaper (measured: from 6 KB on).
 */
const TEXT_LIMIT_BYTES = 5 * 1024

const NO_TRAILERS: FieldList = []

const NO_BYTES = Buffer.alloc(0)

/**
 * Answers that became whole in this turn. They are sent one after the other when the turn's reading is done: a write into a
 * socket whose reader sleeps costs the kernel a wake-up, and the next one right behind it does not.
 */
let wholeThisTurn: Answer[] = []

/** Who has to know how an answer goes. */
export interface AnswerOwner {
  /** The head goes out now. */
  answerBegins (): void
  /** Nothing more will come of it, or the client takes no more for now. */
  answerWaits (): void
  /** The client takes more. */
  answerFlows (): void
}

export interface AnswerParts {
  readonly owner: AnswerOwner
  readonly reply: ClientReply
  readonly attempt: Attempt
  readonly head: ResponseHead
}

export class Answer {
  /** Whether the client may have been told anything of it. */
  begun = false

  readonly #owner: AnswerOwner
  readonly #reply: ClientReply
  readonly #attempt: Attempt
  readonly #head: ResponseHead
  /** The body as far as it has come, while it may still come whole. */
  #first: Buffer | undefined
  #chunks: Buffer[] | undefined
  #trailers = NO_TRAILERS
  #stream: ResponseBody | undefined
  #isOver = false
  #isDropped = false

  constructor ({ owner, reply, attempt, head }: AnswerParts) {
    this.#owner = owner
    this.#reply = reply
    this.#attempt = attempt
    this.#head = head
  }

  data (chunk: Buffer): void {
    if (this.#stream !== undefined) this.#stream.pass(chunk)
    else if (this.#first === undefined) this.#first = chunk
    else if (this.#chunks === undefined) this.#chunks = [this.#first, chunk]
    else this.#chunks.push(chunk)
  }

  /** The answer is whole. */
  end (trailers: FieldList): void {
    this.#isOver = true
    this.#trailers = trailers
    if (this.#stream !== undefined) this.#finish(this.#stream)
    else if (wholeThisTurn.push(this) === 1) setImmediate(sendThoseWhole)
  }

  /** The answer will not become whole: neither must it look so to the client. */
  cut (): void {
    this.#isOver = true
    cutResponse(this.#reply.raw)
    this.#stream?.destroy()
  }

  /** Drops it before the client was told anything. */
  drop (): void {
    this.#isOver = true
    this.#isDropped = true
  }

  /** It has not come whole with its head: what has come is passed on. */
  goesOn (): void {
    // Of one without a body the end is as good as here.
    if (!this.#isOver && this.#head.framing !== 'none') this.#deliver(false)
  }

  /** Called at the end of the turn in which the answer became whole. */
  sendIfWanted (): void {
    if (!this.#isDropped && !isGone(this.#reply.raw)) this.#deliver(true)
  }

  /** A head that Node does not want to write cuts this answer, and nothing else. */
  #deliver (isWhole: boolean): void {
    try {
      if (isWhole) this.#sendWhole()
      else this.#sendStream()
    } catch (cause) {
      this.#attempt.abort()
      this.cut()
      this.#reply.log.warn({ err: cause, backend: this.#attempt.backend.url }, 'the answer of the backend cannot be relayed')
    }
  }

  #sendWhole (): void {
    const body = this.#chunks === undefined ? this.#first : Buffer.concat(this.#chunks)
    const hasTrailers = this.#trailers.length > 0 && takesTrailers(this.#reply.raw)
    // Fastify would give a content type to a buffer that has none that it understands; to a stream it adds nothing.
    if (hasTrailers || (body !== undefined && !isMediaType(this.#head.contentType))) {
      this.#finish(this.#sendStream())
      return
    }
    if (body === undefined) endWithHead(this.#reply.raw)
    this.#writeHead()
    // Node writes text together with the head, in one piece, but a buffer in two. Only where text and bytes are the same.
    if (body !== undefined && body.length <= TEXT_LIMIT_BYTES && this.#head.isAscii && isAscii(body)) {
      this.#reply.serializer(asItIs)
      this.#reply.send(body.toString('latin1'))
    } else {
      this.#reply.send(body)
    }
    this.#owner.answerWaits()
  }

  #sendStream (): ResponseBody {
    const attempt = this.#attempt
    const stream = new ResponseBody({
      pause: () => {
        attempt.pause()
        this.#owner.answerWaits()
      },
      resume: () => {
        this.#owner.answerFlows()
        attempt.resume()
      },
      abandoned: () => { if (!this.#isOver) attempt.abort() }
    })
    this.#stream = stream
    for (const chunk of this.#chunks ?? (this.#first === undefined ? [] : [this.#first])) stream.pass(chunk)
    this.#first = this.#chunks = undefined
    this.#writeHead()
    const { raw } = this.#reply
    if (this.#head.trailer !== undefined && this.#head.framing === 'chunked' && takesTrailers(raw)) this.#reply.header('trailer', this.#head.trailer)
    // Fastify hands the head over together with the first bytes of the body, however long they take; the client gets it now.
    raw.once('pipe', () => process.nextTick(this.#head.isAscii ? flushHead : flushLatin1Head, raw))
    this.#reply.send(stream)
    return stream
  }

  #finish (stream: ResponseBody): void {
    const { raw } = this.#reply
    if (this.#trailers.length > 0 && takesTrailers(raw) && !isGone(raw)) addTrailers(raw, this.#trailers)
    stream.finish()
    this.#owner.answerWaits()
  }

  /** Sets status and fields. */
  #writeHead (): void {
    this.begun = true
    this.#owner.answerBegins()
    const { statusCode, statusText, fields, hasRepeats } = this.#head
    const { raw } = this.#reply
    // Not reply.code(): it takes no status above 599, which is a backend's own business.
    raw.statusCode = statusCode
    // What the backend does not say the gateway does not invent.
    raw.sendDate = false
    if (statusText !== STATUS_CODES[statusCode] && PLAIN_TEXT.test(statusText) && http2Stream(raw) === undefined) raw.statusMessage = statusText
    if (hasRepeats) return this.#writeGroups(fields)
    for (let i = 0; i + 1 < fields.length; i += 2) this.#reply.header(fields[i] ?? '', fields[i + 1] ?? '')
  }

  #writeGroups (fields: FieldList): void {
    const groups = http2Stream(this.#reply.raw) === undefined ? grouped(fields) : grouped(fieldsForHttp2(fields))
    for (const [name, value] of Object.entries(groups)) this.#reply.header(name, value)
  }
}

/** Set as the serializer, so that Fastify adds no charset to the type of a text. */
function asItIs (payload: unknown): string {
  return String(payload)
}

function sendThoseWhole (): void {
  const answers = wholeThisTurn
  wholeThisTurn = []
  for (const answer of answers) answer.sendIfWanted()
}

function flushHead (raw: ClientReply['raw']): void {
  if (!raw.headersSent && !isGone(raw)) raw.flushHeaders()
}

/** Node's flushHeaders takes the head for UTF-8. Before a buffer, even an empty one, it is written byte for byte. */
function flushLatin1Head (raw: ClientReply['raw']): void {
  if (http2Stream(raw) !== undefined) flushHead(raw)
  else if (!raw.headersSent && !isGone(raw)) raw.write(NO_BYTES)
}
