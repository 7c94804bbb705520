/** What Node's two kinds of response (HTTP/1 and HTTP/2) do in different ways, said once. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import { constants, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { FieldList } from '../wire/fields.ts'
import { fieldsForHttp2 } from '../wire/http2-fields.ts'
import { resetConnection } from './reset.ts'

const CONTINUE = 100

/** The stream of HTTP/2 that a response goes over; undefined in HTTP/1. */
export function http2Stream (raw: object): ServerHttp2Stream | undefined {
  // Most have no such property, which is cheaper to see than what they are.
  return 'stream' in raw && raw instanceof Http2ServerResponse ? raw.stream : undefined
}

/** Relays a provisional answer. A client that cannot be told (HTTP/1.0, a pipelined request not yet at its turn) is not. */
export function writeInformation (raw: ServerResponse, statusCode: number, fields: FieldList): void {
  if (raw.headersSent || isGone(raw)) return
  const stream = http2Stream(raw)
  if (stream !== undefined) {
    if (!stream.headersSent) stream.additionalHeaders({ ':status': statusCode, ...grouped(fieldsForHttp2(fields)) })
    return
  }
  if (raw.req.httpVersionMinor === 0) return
  // It makes Node keep the connection behind the answer, and waits for its turn.
  if (statusCode === CONTINUE) return raw.writeContinue()
  if (raw.socket === null) return
  let head = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n`
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`
  raw.socket.write(`${head}\r\n`, 'latin1')
}

/**
 * Lets an answer without a body end with its head. In HTTP/2 that is one frame in place of two, and for gRPC it matters: a
 * status in the head counts only if nothing follows it ("Trailers-Only"). Node sends the head too early for that by itself.
 */
export function endWithHead (raw: ServerResponse): void {
  const response: object = raw
  if (!(response instanceof Http2ServerResponse)) return
  response.writeHead = (statusCode: number, headers?: unknown) => {
    // `end` writes the head once more, in its own way.
    Reflect.deleteProperty(response, 'writeHead')
    response.statusCode = statusCode
    if (isRecord(headers)) setHeaders((name, value) => response.setHeader(name, value), headers)
    return response
  }
}

/** Whether all of an answer went to the client, as far as can be told once its side is closed. Node ends a stream that was reset too. */
export function isAnswered (raw: ServerResponse): boolean {
  const stream = http2Stream(raw)
  if (stream === undefined) return raw.writableFinished
  return stream.headersSent && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR
}

/** Whether nobody is there any more to take the answer. */
export function isGone (raw: ServerResponse): boolean {
  const stream = http2Stream(raw)
  // A stream that was reset while nobody read it is closed long before it is destroyed.
  return stream === undefined ? raw.destroyed : stream.destroyed || stream.closed
}

/** Whether a client can be told this status: HTTP/2, unlike HTTP/1.1, ends at 599 (RFC 9113, section 8.3.2, RFC 9110, section 15). */
export function canSendStatus (raw: ServerResponse, statusCode: number): boolean {
  return statusCode <= 599 || http2Stream(raw) === undefined
}

/** Whether trailers can follow the body of this answer. */
export function takesTrailers (raw: ServerResponse): boolean {
  return http2Stream(raw) !== undefined || (raw.req.httpVersionMinor === 1 && raw.req.method !== 'HEAD')
}

/** Sets the trailers; the body must not have ended. */
export function addTrailers (raw: ServerResponse, fields: FieldList): void {
  const response: object = raw
  if (response instanceof Http2ServerResponse) return response.addTrailers(grouped(fieldsForHttp2(fields)))
  const pairs: Array<[string, string]> = []
  for (let i = 0; i + 1 < fields.length; i += 2) pairs.push([fields[i] ?? '', fields[i + 1] ?? ''])
  raw.addTrailers(pairs)
}

/** Breaks the answer off so that no client can take it for whole. */
export function cutResponse (raw: ServerResponse): void {
  const stream = http2Stream(raw)
  if (stream !== undefined) {
    // INTERNAL_ERROR. Not stream.close(): it would end the body as if it were whole before it resets the stream.
    stream.destroy(new Error('the answer was cut'))
    return
  }
  // To a client of HTTP/1.0 a closed connection is a good end of an answer; a reset is not.
  if (raw.req.httpVersionMinor === 0 && raw.socket !== null) resetConnection(raw.socket)
  raw.destroy()
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function setHeaders (set: (name: string, value: string | number | readonly string[]) => void, headers: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (isHeaderValue(value)) set(name, value)
  }
}

function isHeaderValue (value: unknown): value is string | number | readonly string[] {
  return typeof value === 'string' || typeof value === 'number' || Array.isArray(value)
}

/** Fields as an object; a repeated one is a list. */
export function grouped (fields: FieldList): Record<string, string | string[]> {
  // A map, because `__proto__` is a name like any other.
  const groups = new Map<string, string | string[]>()
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? ''
    const value = fields[i + 1] ?? ''
    const before = groups.get(name)
    if (before === undefined) groups.set(name, value)
    else groups.set(name, [...(Array.isArray(before) ? before : [before]), value])
  }
  return Object.fromEntries(groups)
}
