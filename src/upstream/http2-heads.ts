/** Heads in HTTP/2 (RFC 9113, section 8.3), from and to the form that both versions share here. */
import { asksToDrain, DRAIN_FIELD, type FieldList, HOP_BY_HOP, SAID_BY_GATEWAY } from '../wire/fields.ts'
import { fieldsForHttp2 } from '../wire/http2-fields.ts'
import { MessageFault } from '../wire/message-fault.ts'
import { mayHaveLength, type ResponseHead } from '../wire/response-head.ts'
import type { BackendAddress } from './backend-address.ts'
import type { UpstreamRequest } from './carrier.ts'
import { sentFields } from './headers.ts'
import { RequestBody } from './request-body.ts'

/** Fields of an answer that are for the gateway alone. */
const NOT_RELAYED: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...SAID_BY_GATEWAY, DRAIN_FIELD])

const NOT_ASCII = /[^\x00-\x7f]/

/** The head of a request as pairs in one list. An Upgrade has no place in HTTP/2: the request goes as an ordinary one. */
export function http2RequestHead (request: UpstreamRequest, address: BackendAddress): FieldList {
  const { method, target, host, body, wantsTrailers } = request
  const head: FieldList = [
    ':method', method,
    ':scheme', address.isTls ? 'https' : 'http',
    ':authority', host ?? address.authority,
    ':path', target,
    ...fieldsForHttp2(sentFields(request))
  ]
  if (wantsTrailers) head.push('te', 'trailers')
  const length = body instanceof RequestBody ? body.length : body?.length
  if (length !== undefined) head.push('content-length', String(length))
  return head
}

/** The head of an answer from `raw`, names in lower case; `isWhole`: nothing follows it. Throws a MessageFault if it has no status. */
export function http2ResponseHead (raw: readonly string[], method: string, isWhole: boolean): ResponseHead {
  const reader = new HeadReader(raw)
  const { statusCode, length } = reader
  if (!(statusCode >= 100 && statusCode <= 999)) throw new MessageFault('an answer without a status')
  return {
    statusCode,
    statusText: '',
    fields: reader.fields,
    isAscii: reader.isAscii,
    hasRepeats: reader.hasRepeats,
    contentType: reader.contentType,
    framing: isWhole || isBodiless(method, statusCode) ? 'none' : framingBy(length),
    contentLength: length === undefined ? -1 : Number(length),
    keepsConnection: true,
    upgrade: undefined,
    trailer: reader.trailer,
    drains: reader.drains
  }
}

class HeadReader {
  readonly fields: FieldList = []
  statusCode = 0
  hasRepeats = false
  isAscii = true
  contentType: string | undefined
  length: string | undefined
  trailer: string | undefined
  drains = false
  readonly #seen = new Set<string>()

  constructor (raw: readonly string[]) {
    for (let i = 0; i + 1 < raw.length; i += 2) this.#field(raw[i] ?? '', raw[i + 1] ?? '')
  }

  #field (name: string, value: string): void {
    if (name === ':status') this.statusCode = Number(value)
    else if (name === 'trailer') this.trailer = this.trailer === undefined ? value : `${this.trailer}, ${value}`
    else if (name === 'content-length') this.length = value
    else if (name === 'content-type') this.contentType = value
    if (NOT_RELAYED.has(name)) {
      if (name === DRAIN_FIELD) this.drains ||= asksToDrain(value)
      return
    }
    if (name.startsWith(':') || (name === 'content-length' && !mayHaveLength(this.statusCode))) return
    this.hasRepeats ||= this.#seen.has(name)
    this.isAscii &&= !NOT_ASCII.test(value)
    this.#seen.add(name)
    this.fields.push(name, value)
  }
}

function isBodiless (method: string, statusCode: number): boolean {
  return method === 'HEAD' || statusCode < 200 || statusCode === 204 || statusCode === 304
}

/** Without a length the end of the stream ends the body, trailers and all: what chunks are to HTTP/1.1. */
function framingBy (length: string | undefined): ResponseHead['framing'] {
  return length === undefined ? 'chunked' : 'length'
}
