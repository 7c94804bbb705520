/**
 * The head of a client's request, read once: what is not beyond doubt is refused, what goes on to a backend is put together.
 * Node's parser has refused most of what breaks HTTP before; here is what it lets pass.
 */
import {
  BodyTooLargeError, CodingUnknownError, ExpectationFailedError, FramingInvalidError, HeadTooLargeError, HostInvalidError, MethodNotAllowedError,
  MethodUnknownError, VersionUnsupportedError
} from '../errors.ts'
import { type FieldList, listMembers } from '../wire/fields.ts'
import { isValidHost } from '../wire/host.ts'
import { offeredProtocols } from '../wire/upgrade.ts'
import type { RawRequest } from './client-side.ts'
import { FieldKind, type FieldKinds } from './field-kinds.ts'
import { assertPath, readTarget, type TargetRules } from './target.ts'

export interface HeadRules extends TargetRules {
  /** The most fields in a head. */
  readonly maxFields: number
  /** The most bytes of them together. */
  readonly maxFieldBytes: number
  /** The largest body, in bytes; 0: any. */
  readonly maxBodyBytes: number
  /** Methods that are known here. */
  readonly methods: ReadonlySet<string>
  readonly kinds: FieldKinds
}

/** Methods that end here: a tunnel to anywhere, and an echo of what should stay secret (RFC 9110, sections 9.3.6 and 9.3.8). */
const NOT_FORWARDED: ReadonlySet<string> = new Set(['CONNECT', 'TRACE'])

const DIGITS = /^[0-9]+$/

/** Colon, blank, CR and LF of a field's line. */
const LINE_OVERHEAD_BYTES = 4

const NO_FIELDS: FieldList = []

export class RequestHead {
  /** The version of HTTP that the request came in. */
  readonly version: 1 | 1.1 | 2
  /** Path and query, byte for byte, or `*`. */
  readonly target: string
  /** The host that the request is for; undefined if a client of HTTP/1.0 gave none. */
  readonly host: string | undefined
  /** Whether a body follows. */
  readonly hasBody: boolean
  /** The body's length in bytes; undefined if it is not known ahead, or there is none. */
  readonly length: number | undefined
  /** Whether the client waits to be asked for the body (RFC 9110, section 10.1.1). */
  readonly expectsContinue: boolean
  /** Whether the client takes trailers (`TE: trailers`). */
  readonly wantsTrailers: boolean
  /** The protocols that the client would like to change to, and that a backend may be asked for. */
  readonly upgrade: string | undefined
  /** The fields that go on as they are, in order. */
  readonly fields: FieldList
  /** What the client said of where the request came from: X-Forwarded-*, Forwarded and the like. */
  readonly forwarding: FieldList

  /** `url` is the target as it came. Throws one of our errors for a request that is refused. */
  constructor (raw: RawRequest, url: string, rules: HeadRules) {
    const { method = '' } = raw
    const version = versionOf(raw)
    this.version = version
    const isHttp2 = version === 2
    const isHttp11 = version === 1.1
    assertMethod(method, rules)
    const reader = new FieldReader(raw.rawHeaders, rules)
    // RFC 9113, section 8.3.1: no absolute form in HTTP/2.
    if (isHttp2) assertPath(url)
    const target = readTarget(method, url, rules)
    this.target = target.path
    const host = reader.checkedHost(isHttp11)
    this.host = target.authority ?? host
    this.length = bodyLength(reader.length, rules.maxBodyBytes)
    if (reader.coding !== undefined) assertCoding(reader.coding, isHttp11)
    this.hasBody = isHttp2 ? !endsWithHead(raw) : reader.coding !== undefined || isSome(this.length)
    this.expectsContinue = (isHttp2 || isHttp11) && asksToContinue(reader.expect) && this.hasBody
    this.wantsTrailers = reader.te !== undefined && listMembers(reader.te).includes('trailers')
    this.upgrade = offeredProtocols(reader.upgrade)
    this.fields = reader.connection === undefined ? reader.fields : withoutNamed(reader.fields, reader.connection)
    this.forwarding = reader.forwarding
  }
}

/** Goes through the fields once and sorts them. */
class FieldReader {
  readonly fields: FieldList = []
  forwarding = NO_FIELDS
  length: string | undefined = undefined
  coding: string | undefined = undefined
  connection: string | undefined = undefined
  expect: string | undefined = undefined
  te: string | undefined = undefined
  upgrade: string | undefined = undefined
  #host: string | undefined = undefined
  #authority: string | undefined = undefined
  #hasTwoHosts = false
  /** The place of the cookies. */
  #cookies = 0
  /** Cookies that came in a field of their own, besides the first. */
  #crumbs = 0
  readonly #isHttp2: boolean

  constructor (raw: readonly string[], { maxFields, maxFieldBytes, kinds }: HeadRules) {
    this.#isHttp2 = raw[0]?.startsWith(':') === true
    let count = raw.length / 2
    let bytes = 0
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i] ?? ''
      const value = raw[i + 1] ?? ''
      if (this.#isHttp2 && name.startsWith(':')) count--
      else bytes += name.length + value.length + LINE_OVERHEAD_BYTES
      const kind = kinds.of(name)
      if (kind === FieldKind.plain) this.fields.push(name, value)
      else if (kind !== FieldKind.ends) this.#special(kind, name, value)
    }
    if (count - this.#crumbs > maxFields) throw new HeadTooLargeError('MAX_HEADERS')
    if (bytes > maxFieldBytes) throw new HeadTooLargeError('MAX_HEADER_BYTES')
  }

  /** The host, unless it is missing where it has to be, given twice, or none. */
  checkedHost (isNeeded: boolean): string | undefined {
    if (this.#hasTwoHosts) throw new HostInvalidError('is given more than once')
    const host = this.#authority ?? this.#host
    // RFC 9113, section 8.3.1: they must not differ.
    if (this.#authority !== undefined && this.#host !== undefined && this.#host !== this.#authority) throw new HostInvalidError('differs from its :authority')
    if (host === undefined && !isNeeded && !this.#isHttp2) return undefined
    if (host === undefined) throw new HostInvalidError('is missing')
    if (!isValidHost(host)) throw new HostInvalidError('is not valid')
    return host
  }

  #special (kind: Exclude<FieldKind, typeof FieldKind.plain | typeof FieldKind.ends>, name: string, value: string): void {
    switch (kind) {
      case FieldKind.host:
        this.#hasTwoHosts ||= this.#host !== undefined
        this.#host = value
        return
      case FieldKind.cookie: return this.#cookie(name, value)
      case FieldKind.forwarding:
        if (this.forwarding === NO_FIELDS) this.forwarding = []
        this.forwarding.push(name.toLowerCase(), value)
        return
      case FieldKind.connection:
        this.connection = joined(this.connection, value)
        return
      case FieldKind.length:
        this.length = joined(this.length, value)
        return
      case FieldKind.coding:
        this.coding = joined(this.coding, value)
        return
      case FieldKind.expect:
        this.expect = joined(this.expect, value)
        return
      case FieldKind.te:
        this.te = joined(this.te, value)
        return
      case FieldKind.upgrade:
        this.upgrade = joined(this.upgrade, value)
        return
      case FieldKind.authority:
        this.#authority = value
    }
  }

  /** HTTP/2 may send cookies one by one; elsewhere there is one field of them (RFC 9113, section 8.2.3). */
  #cookie (name: string, value: string): void {
    if (this.#isHttp2 && this.#cookies > 0) {
      this.#crumbs++
      this.fields[this.#cookies] += `; ${value}`
    } else this.#cookies = this.fields.push(name, value) - 1
  }
}

function isSome (length: number | undefined): boolean {
  return length !== undefined && length > 0
}

function endsWithHead ({ stream }: RawRequest): boolean {
  return stream === undefined || stream.endAfterHeaders
}

function bodyLength (text: string | undefined, maxBodyBytes: number): number | undefined {
  if (text === undefined) return undefined
  const length = Number(text)
  if (!DIGITS.test(text)) throw new FramingInvalidError('send one Content-Length, a number')
  if (!Number.isSafeInteger(length)) throw new FramingInvalidError('the Content-Length is too large')
  if (maxBodyBytes > 0 && length > maxBodyBytes) throw new BodyTooLargeError(maxBodyBytes)
  return length
}

function assertCoding (coding: string, isHttp11: boolean): void {
  // RFC 9112, section 6.1: with an older version the framing has to be taken for faulty.
  if (!isHttp11) throw new FramingInvalidError('there is no Transfer-Encoding in HTTP/1.0')
  if (coding.toLowerCase() === 'chunked') return
  const codings = listMembers(coding)
  if (codings.at(-1) === 'chunked' && codings.indexOf('chunked') === codings.length - 1 && codings.length > 1) throw new CodingUnknownError()
  throw new FramingInvalidError('send "Transfer-Encoding: chunked" once, and nothing else with it')
}

function versionOf ({ httpVersionMajor, httpVersionMinor, stream }: RawRequest): 1 | 1.1 | 2 {
  if (httpVersionMajor === 1) return httpVersionMinor === 1 ? 1.1 : 1
  // A request line of HTTP/1 that says HTTP/2.0 is nothing but wrong.
  if (httpVersionMajor === 2 && stream !== undefined) return 2
  throw new VersionUnsupportedError()
}

function assertMethod (method: string, { methods }: HeadRules): void {
  if (NOT_FORWARDED.has(method)) throw new MethodNotAllowedError(method)
  if (!methods.has(method)) throw new MethodUnknownError()
}

function asksToContinue (expect: string | undefined): boolean {
  if (expect === undefined) return false
  if (expect.toLowerCase() !== '100-continue') throw new ExpectationFailedError()
  return true
}

/** Without the fields that Connection names as meant for this hop only. */
function withoutNamed (fields: FieldList, connection: string): FieldList {
  if (connection === 'keep-alive' || connection === 'close') return fields
  const named = new Set(listMembers(connection))
  const kept: FieldList = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? ''
    if (!named.has(name.toLowerCase())) kept.push(name, fields[i + 1] ?? '')
  }
  return kept
}

function joined (before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}
