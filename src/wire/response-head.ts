/** The head of a response (RFC 9112, section 4), and how long its body is (section 6.3). */
import { asksToDrain, type FieldList, type FieldName, FieldRole, type FieldSink, lineEnd, type Lines, listMembers, readFieldLines } from './fields.ts'
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
  /** Whether all of it is ASCII. */
  readonly isAscii: boolean
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
  /** Whether the backend asks to be drained. */
  readonly drains: boolean
}

/** What it answers to decides whether there is a body. */
export interface AnsweredRequest {
  readonly method: string
}

/** Fields of one head. */
const MAX_FIELDS = 1_000

const VERSION = 'HTTP/1.'

const CR = 0x0d
const SPACE = 0x20
const ZERO = 0x30
const ONE = 0x31
const NINE = 0x39

/** Where the parts of a status line stand (RFC 9112, section 4): `HTTP/1.1 200 OK`. */
const MINOR_AT = VERSION.length
const STATUS_AT = MINOR_AT + 2
const TEXT_AT = STATUS_AT + 4

const MAX_LENGTH_DIGITS = 16

const NO_OPTIONS: readonly string[] = []

/** What a Connection field cannot take away: without it the message would mean something else. */
const KEPT_FROM_CONNECTION: ReadonlySet<string> = new Set(['content-length'])

/** There is no Content-Length in 1xx and 204 (RFC 9110, section 8.6). */
export function mayHaveLength (statusCode: number): boolean {
  return statusCode >= 200 && statusCode !== 204
}

/** Reads a head that ends, with its empty line, at `limit` of lines that may go on. Throws a MessageFault for whatever is not beyond doubt. */
export function readResponseHead (lines: Lines, limit: number, request: AnsweredRequest): ResponseHead {
  const { bytes, text } = lines
  const statusCode = statusOf(lines)
  const end = lineEnd(bytes, TEXT_AT - 1, limit)
  // Without a text the blank before it may be missing too.
  const reader = new HeadReader(statusCode, bytes[MINOR_AT] === ONE)
  reader.isAscii = readFieldLines(lines, end + 2, limit, reader)
  return reader.finish(end <= TEXT_AT ? '' : text.slice(TEXT_AT, end), request)
}

/** The status, of a line that begins as it must. */
function statusOf ({ bytes, text }: Lines): number {
  const minor = bytes[MINOR_AT]
  const behind = bytes[STATUS_AT + 3]
  const status = digitAt(bytes, STATUS_AT) * 100 + digitAt(bytes, STATUS_AT + 1) * 10 + digitAt(bytes, STATUS_AT + 2)
  const isVersion = text.startsWith(VERSION) && (minor === ZERO || minor === ONE) && bytes[MINOR_AT + 1] === SPACE
  // A digit that is none makes it NaN, for which no comparison holds.
  if (isVersion && status >= 100 && (behind === SPACE || behind === CR)) return status
  throw new MessageFault('a status line that is none')
}

function digitAt (bytes: Uint8Array, position: number): number {
  const byte = bytes[position] ?? 0
  return byte >= ZERO && byte <= NINE ? byte - ZERO : NaN
}

class HeadReader implements FieldSink {
  isAscii = true
  readonly #statusCode: number
  readonly #isHttp11: boolean
  #fields: FieldList = []
  /** Bits of the names so far. */
  #bits = 0
  #hasRepeats = false
  #contentType: string | undefined = undefined
  #length = -1
  #coding: string | undefined = undefined
  #connection: string | undefined = undefined
  #upgrade: string | undefined = undefined
  #trailer: string | undefined = undefined
  #drains = false

  constructor (statusCode: number, isHttp11: boolean) {
    this.#statusCode = statusCode
    this.#isHttp11 = isHttp11
  }

  field (name: FieldName, value: string): void {
    switch (name.role) {
      case FieldRole.plain: break
      case FieldRole.contentType:
        this.#contentType = value
        break
      case FieldRole.contentLength:
        this.#readLength(value)
        if (!mayHaveLength(this.#statusCode)) return
        break
      case FieldRole.transferEncoding:
        this.#coding = joined(this.#coding, value)
        return
      case FieldRole.connection:
        this.#connection = joined(this.#connection, value)
        return
      case FieldRole.upgrade:
        this.#upgrade = joined(this.#upgrade, value)
        return
      case FieldRole.trailer:
        this.#trailer = joined(this.#trailer, value)
        return
      case FieldRole.drain:
        this.#drains ||= asksToDrain(value)
        return
      case FieldRole.hopByHop: return
    }
    this.#add(name, value)
  }

  finish (statusText: string, { method }: AnsweredRequest): ResponseHead {
    const framing = this.#framing(method)
    const connection = this.#connection
    // Nearly always: one option that names no field.
    const options = connection === undefined || connection === 'keep-alive' ? NO_OPTIONS : listMembers(connection)
    if (options.length > 0) this.#strip(new Set(options.filter((option) => !KEPT_FROM_CONNECTION.has(option))))
    const isPersistent = !options.includes('close') && (this.#isHttp11 || connection === 'keep-alive' || options.includes('keep-alive'))
    return {
      statusCode: this.#statusCode,
      statusText,
      fields: this.#fields,
      isAscii: this.isAscii,
      hasRepeats: this.#hasRepeats,
      contentType: this.#contentType,
      framing,
      contentLength: this.#length,
      keepsConnection: isPersistent && framing !== 'close',
      upgrade: this.#upgrade,
      trailer: this.#trailer,
      drains: this.#drains
    }
  }

  #add ({ lower, bit }: FieldName, value: string): void {
    const fields = this.#fields
    if (fields.length >= 2 * MAX_FIELDS) throw new MessageFault(`more than ${MAX_FIELDS} fields in a head`)
    if ((this.#bits & bit) !== 0) this.#hasRepeats ||= this.#has(lower)
    this.#bits |= bit
    fields.push(lower, value)
  }

  #readLength (value: string): void {
    if (this.#length !== -1) throw new MessageFault('more than one Content-Length')
    this.#length = lengthOf(value)
    if (this.#length === -1) throw new MessageFault('a Content-Length that is no number')
  }

  #framing (method: string): BodyFraming {
    const coding = this.#coding
    if (coding !== undefined) {
      if (this.#length !== -1) throw new MessageFault('both Transfer-Encoding and Content-Length')
      if (!this.#isHttp11) throw new MessageFault('Transfer-Encoding in HTTP/1.0')
      if (coding.toLowerCase() !== 'chunked') throw new MessageFault('a Transfer-Encoding other than chunked')
    }
    if (method === 'HEAD' || this.#statusCode < 200 || this.#statusCode === 204 || this.#statusCode === 304) return 'none'
    if (coding !== undefined) return 'chunked'
    return this.#length === -1 ? 'close' : 'length'
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

/** A length in bytes, -1 for a text that is none. */
function lengthOf (text: string): number {
  if (text.length === 0 || text.length > MAX_LENGTH_DIGITS) return -1
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return Number.isSafeInteger(length) ? length : -1
}

function joined (before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}
