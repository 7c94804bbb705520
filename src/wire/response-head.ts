/** The head of a response (RFC 9112, section 4), and how long its body is (section 6.3). */
import { assertCleanLines, type FieldList, listMembers, readFieldLines } from './fields.ts'
import { MessageFault } from './message-fault.ts'

/**
 * What ends the body. `none`: there is none, whatever the fields say. `length`: after `contentLength` bytes. `chunked`: the
 * last chunk. `close`: the end of the connection, or of the stream in HTTP/2.
 */
export type BodyFraming = 'none' | 'length' | 'chunked' | 'close'

export interface ResponseHead {
  readonly statusCode: number
  readonly statusText: string
  /** The fields that go on to the client, names in lower case. */
  readonly fields: FieldList
  /** Whether a name is among them more than once. */
  readonly hasRepeats: boolean
  readonly contentType: string | undefined
  readonly framing: BodyFraming
  /** The length of the body in bytes, -1 if the head does not say. */
  readonly contentLength: number
  /** Whether the connection can carry another exchange after this one. */
  readonly keepsConnection: boolean
  /** The protocols of the Upgrade field. */
  readonly upgrade: string | undefined
  /** The announced names of trailers, as the Trailer field has them. */
  readonly trailer: string | undefined
}

/** What it answers to decides whether there is a body. */
export interface AnsweredRequest {
  readonly method: string
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9][0-9])(?: ([^\r\n]*))?\r\n/

/** Fields of one head. */
const MAX_FIELDS = 1_000

const DIGITS = /^[0-9]{1,16}$/

/** Fields that end here (RFC 9110, section 7.6.1), whatever Connection says; in HTTP/2 too, where some of them may not even be. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'
])

/** What a Connection field cannot take away: without it the message would mean something else. */
const KEPT_FROM_CONNECTION: ReadonlySet<string> = new Set(['content-length'])

/** There is no Content-Length in 1xx and 204 (RFC 9110, section 8.6). */
export function mayHaveLength (statusCode: number): boolean {
  return statusCode >= 200 && statusCode !== 204
}

/** Reads a head, `text` being all of it up to and with its empty line. Throws a MessageFault for whatever is not beyond doubt. */
export function parseResponseHead (text: string, request: AnsweredRequest): ResponseHead {
  const line = STATUS_LINE.exec(text)
  if (line === null) throw new MessageFault('a status line that is none')
  assertCleanLines(text)
  const reader = new HeadReader(Number(line[2]), line[1] === '1')
  readFieldLines(text, line[0].length, (name, value) => reader.field(name, value))
  return reader.finish(line[3] ?? '', request)
}

class HeadReader {
  readonly #statusCode: number
  readonly #isHttp11: boolean
  #fields: FieldList = []
  #hasRepeats = false
  #contentType: string | undefined
  #length: string | undefined
  #coding: string | undefined
  #connection: string | undefined
  #upgrade: string | undefined
  #trailer: string | undefined

  constructor (statusCode: number, isHttp11: boolean) {
    this.#statusCode = statusCode
    this.#isHttp11 = isHttp11
  }

  field (name: string, value: string): void {
    if (name === 'content-length') this.#readLength(value)
    else if (name === 'content-type') this.#contentType = value
    else if (HOP_BY_HOP.has(name)) return this.#readHopByHop(name, value)
    if (name === 'content-length' && !mayHaveLength(this.#statusCode)) return
    if (this.#fields.length >= 2 * MAX_FIELDS) throw new MessageFault(`more than ${MAX_FIELDS} fields in a head`)
    this.#hasRepeats ||= this.#has(name)
    this.#fields.push(name, value)
  }

  finish (statusText: string, { method }: AnsweredRequest): ResponseHead {
    const framing = this.#framing(method)
    const options = this.#connection === undefined ? [] : listMembers(this.#connection)
    const named = options.filter((option) => !KEPT_FROM_CONNECTION.has(option))
    if (named.length > 0) this.#strip(new Set(named))
    const isPersistent = !options.includes('close') && (this.#isHttp11 || options.includes('keep-alive'))
    return {
      statusCode: this.#statusCode,
      statusText,
      fields: this.#fields,
      hasRepeats: this.#hasRepeats,
      contentType: this.#contentType,
      framing,
      contentLength: this.#length === undefined ? -1 : Number(this.#length),
      keepsConnection: isPersistent && framing !== 'close',
      upgrade: this.#upgrade,
      trailer: this.#trailer
    }
  }

  #readLength (value: string): void {
    if (this.#length !== undefined) throw new MessageFault('more than one Content-Length')
    if (!DIGITS.test(value) || !Number.isSafeInteger(Number(value))) throw new MessageFault('a Content-Length that is no number')
    this.#length = value
  }

  #readHopByHop (name: string, value: string): void {
    if (name === 'transfer-encoding') this.#coding = joined(this.#coding, value)
    else if (name === 'connection') this.#connection = joined(this.#connection, value)
    else if (name === 'upgrade') this.#upgrade = joined(this.#upgrade, value)
    else if (name === 'trailer') this.#trailer = joined(this.#trailer, value)
  }

  #framing (method: string): BodyFraming {
    const coding = this.#coding
    if (coding !== undefined) {
      if (this.#length !== undefined) throw new MessageFault('both Transfer-Encoding and Content-Length')
      if (!this.#isHttp11) throw new MessageFault('Transfer-Encoding in HTTP/1.0')
      if (coding.toLowerCase() !== 'chunked') throw new MessageFault('a Transfer-Encoding other than chunked')
    }
    if (method === 'HEAD' || this.#statusCode < 200 || this.#statusCode === 204 || this.#statusCode === 304) return 'none'
    if (coding !== undefined) return 'chunked'
    return this.#length === undefined ? 'close' : 'length'
  }

  #has (name: string): boolean {
    const fields = this.#fields
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] === name) return true
    }
    return false
  }

  #strip (names: ReadonlySet<string>): void {
    const kept: FieldList = []
    for (let i = 0; i + 1 < this.#fields.length; i += 2) {
      const name = this.#fields[i] ?? ''
      if (!names.has(name)) kept.push(name, this.#fields[i + 1] ?? '')
    }
    this.#fields = kept
    if (names.has('content-type')) this.#contentType = undefined
  }
}

function joined (before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}
