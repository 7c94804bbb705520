/**
 * The backend's answer on its way to the client. What arrived whole in one read is sent in one write, without a stream; of
 * anything else the head goes out at once and the body follows as it comes.
 */
import { isAscii } from 'node:buffer'
import { STATUS_CODES } from 'node:http'
import type { Attempt, ResponseHead } from './attempt.ts'
import type { ClientReply } from './client-side.ts'
import { responseFieldsToDrop } from './headers.ts'
import { isMediaType } from './media-type.ts'
import { ResponseBody } from './response-body.ts'

/** What may stand in a status line's text without a second thought: printable ASCII. */
const PLAIN_TEXT = /^[\x20-\x7e]*$/

const NOT_ASCII = /[^\x00-\x7f]/

/** Up to this size a whole body is sent as text, if it is ASCII: a bound on what is copied for that. */
const TEXT_LIMIT_BYTES = 16 * 1024

/** Answers whose head came in this turn of the event loop. */
let begunThisTurn: Answer[] = []

/**
 * Answers that became whole in this turn. They are sent one after the other when the turn's reading is done: a write into a
 * socket whose reader sleeps costs the kernel a wake-up, and the next one right behind it does not.
 */
let wholeThisTurn: Answer[] = []

export class Answer {
  /** Whether the client may have been told anything of it. */
  begun = false

  readonly #reply: ClientReply
  readonly #attempt: Attempt
  readonly #head: ResponseHead
  #chunks: Buffer[] = []
  #stream: ResponseBody | undefined
  #isOver = false
  #isHeadAscii = true

  constructor (reply: ClientReply, attempt: Attempt, head: ResponseHead) {
    this.#reply = reply
    this.#attempt = attempt
    this.#head = head
    // Everything of an answer that came in one read has been told when this runs. One call serves all answers of a turn.
    if (begunThisTurn.push(this) === 1) process.nextTick(streamThoseNotWhole)
  }

  data (chunk: Buffer): void {
    if (this.#stream === undefined) this.#chunks.push(chunk)
    else this.#stream.pass(chunk)
  }

  /** The answer is whole. */
  end (): void {
    this.#isOver = true
    if (this.#stream !== undefined) this.#stream.finish()
    else if (wholeThisTurn.push(this) === 1) setImmediate(sendThoseWhole)
  }

  /** The answer will not become whole: neither must it look so to the client. */
  cut (): void {
    this.#isOver = true
    const { raw } = this.#reply
    // To a client of HTTP/1.0 a closed connection is a good end of an answer; a reset is not.
    if (raw.req.httpVersionMinor === 0 && raw.socket !== null) raw.socket.resetAndDestroy()
    raw.destroy()
    this.#stream?.destroy()
  }

  /** Drops it before the client was told anything. */
  drop (): void {
    this.#isOver = true
  }

  /** Called when the turn is over in which the head came. */
  streamUnlessWhole (): void {
    if (this.#isOver) return
    this.#attempt.watchSilence()
    this.#deliver(false)
  }

  /** Called at the end of the turn in which the answer became whole. */
  sendIfWanted (): void {
    if (!this.#reply.raw.destroyed) this.#deliver(true)
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
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : this.#chunks[0]
    // Fastify would give a content type to a buffer that has none that it understands; to a stream it adds nothing.
    if (body !== undefined && !isMediaType(this.#head.headers['content-type'])) {
      this.#sendStream().finish()
      return
    }
    this.#writeHead()
    // Node writes text together with the head, in one piece, but a buffer in two. Only where text and bytes are the same.
    if (body !== undefined && body.length <= TEXT_LIMIT_BYTES && isAscii(body) && this.#isHeadAscii) {
      this.#reply.serializer(asItIs)
      this.#reply.send(body.toString('latin1'))
    } else {
      this.#reply.send(body)
    }
  }

  #sendStream (): ResponseBody {
    const attempt = this.#attempt
    const stream = new ResponseBody({
      pause: () => attempt.pause(),
      resume: () => attempt.resume(),
      abandoned: () => { if (!this.#isOver) attempt.abort() }
    })
    this.#stream = stream
    for (const chunk of this.#chunks) stream.pass(chunk)
    this.#chunks = []
    this.#writeHead()
    // Fastify hands the head over together with the first bytes of the body, however long they take; the client gets it now.
    const { raw } = this.#reply
    raw.once('pipe', () => process.nextTick(flushHead, raw))
    this.#reply.send(stream)
    return stream
  }

  #writeHead (): void {
    this.begun = true
    const { statusCode, statusText, headers } = this.#head
    const { raw } = this.#reply
    // Not reply.code(): it takes no status above 599, which is a backend's own business.
    raw.statusCode = statusCode
    if (statusText !== STATUS_CODES[statusCode] && PLAIN_TEXT.test(statusText)) raw.statusMessage = statusText
    const dropped = responseFieldsToDrop(headers.connection)
    for (const name of Object.keys(headers)) {
      const value = headers[name]
      if (value === undefined || dropped.has(name)) continue
      // RFC 9110, section 8.6: no Content-Length in a 204.
      if (statusCode === 204 && name === 'content-length') continue
      if (NOT_ASCII.test(typeof value === 'string' ? value : value.join())) this.#isHeadAscii = false
      this.#reply.header(name, value)
    }
  }
}

/** Set as the serializer, so that Fastify adds no charset to the type of a text. */
function asItIs (payload: unknown): string {
  return String(payload)
}

function streamThoseNotWhole (): void {
  const answers = begunThisTurn
  begunThisTurn = []
  for (const answer of answers) answer.streamUnlessWhole()
}

function sendThoseWhole (): void {
  const answers = wholeThisTurn
  wholeThisTurn = []
  for (const answer of answers) answer.sendIfWanted()
}

function flushHead (raw: ClientReply['raw']): void {
  if (!raw.headersSent && !raw.destroyed) raw.flushHeaders()
}
