/** Messages of HTTP/1.1 as they stand on the wire: read by the letter of RFC 9112, with the spelling and the order that they have. */

export type Field = readonly [name: string, value: string]

export interface ExactMessage {
  readonly startLine: string
  readonly fields: readonly Field[]
  /** What ends the body. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  /** Freed of its chunks. */
  readonly body: Buffer
  readonly trailers: readonly Field[]
}

/** A message and how many bytes it takes. */
export interface ReadMessage {
  readonly message: ExactMessage
  readonly length: number
}

export interface ExactHead {
  readonly startLine: string
  readonly fields: readonly Field[]
  /** In bytes, its empty line included. */
  readonly length: number
}

/** The bytes are no HTTP/1.1, or could be read in more than one way. */
export class NotHttp extends Error {}

const REQUEST_LINE = /^[!#$%&'*+.^_`|~\dA-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.1$/
const STATUS_LINE = /^HTTP\/1\.1 [1-9]\d\d [\t\x20-\x7e\x80-\xff]*$/
const FIELD_LINE = /^([!#$%&'*+.^_`|~\dA-Za-z-]+): ((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)$/
const CHUNK_SIZE = /^[\da-f]{1,8}$/i

/** The request that `bytes` begin with; undefined while more of it has to come. */
export function readRequest (bytes: Buffer): ReadMessage | undefined {
  const head = readHead(bytes, REQUEST_LINE)
  if (head === undefined) return undefined
  if (valuesOf(head.fields, 'host').length !== 1) throw new NotHttp(`not exactly one Host: ${JSON.stringify(head.fields)}`)
  return readFramed(bytes, head, 'none', false)
}

/** The answer to a request of this method that `bytes` begin with; undefined while more of it has to come. */
export function readResponse (bytes: Buffer, method: string, hasEnded: boolean): ReadMessage | undefined {
  const head = readHead(bytes, STATUS_LINE)
  if (head === undefined) return undefined
  const status = statusOf(head)
  if (method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304) return readFramed(bytes, head, 'close', hasEnded)
  return { message: { ...head, framing: 'none', body: Buffer.alloc(0), trailers: [] }, length: head.length }
}

/** The head of the request that `bytes` begin with, whatever follows it. */
export function readRequestHead (bytes: Buffer): ExactHead | undefined {
  return readHead(bytes, REQUEST_LINE)
}

export function statusOf ({ startLine }: { readonly startLine: string }): number {
  return Number(startLine.split(' ')[1])
}

/** A request's method and target. */
export function askedBy ({ startLine }: { readonly startLine: string }): { readonly method: string, readonly target: string } {
  const [method = '', target = ''] = startLine.split(' ')
  return { method, target }
}

/** Every value of a field, in order. */
export function valuesOf (fields: readonly Field[], name: string): string[] {
  return fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
}

/** As much of a body as has come; `fields` are those of its head, `bytes` what follows it. */
export function bodySoFar (bytes: Buffer, fields: readonly Field[]): Buffer {
  if (valuesOf(fields, 'transfer-encoding').length === 0) return bytes
  const chunks: Buffer[] = []
  for (let position = 0; ;) {
    const end = bytes.indexOf('\r\n', position)
    if (end === -1) return Buffer.concat(chunks)
    const size = Number.parseInt(bytes.toString('latin1', position, end), 16)
    if (!(size > 0)) return Buffer.concat(chunks)
    chunks.push(bytes.subarray(end + 2, end + 2 + size))
    position = end + 2 + size + 2
  }
}

function readHead (bytes: Buffer, start: RegExp): ExactHead | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  if (!start.test(startLine)) throw new NotHttp(`not a start line: ${JSON.stringify(startLine)}`)
  return { startLine, fields: lines.map(fieldOf), length: end + 4 }
}

function fieldOf (line: string): Field {
  const [, name, value] = FIELD_LINE.exec(line) ?? []
  if (name === undefined || value === undefined) throw new NotHttp(`not a field line: ${JSON.stringify(line)}`)
  return [name, value]
}

function readFramed (bytes: Buffer, { startLine, fields, length }: ExactHead, unframed: 'none' | 'close', hasEnded: boolean): ReadMessage | undefined {
  const [codings, lengths] = [valuesOf(fields, 'transfer-encoding'), valuesOf(fields, 'content-length')]
  const isClear = codings.length + lengths.length <= 1 && /^(?:chunked)?$/.test(codings.join()) && /^\d{0,15}$/.test(lengths.join())
  if (!isClear) throw new NotHttp(`ambiguous length: ${JSON.stringify(fields)}`)
  if (codings.length > 0) return readChunked(bytes, { startLine, fields, length })
  if (lengths.length === 0 && unframed === 'close' && !hasEnded) return undefined
  const none = unframed === 'none' ? length : bytes.length
  const end = lengths.length === 0 ? none : length + Number(lengths[0])
  if (bytes.length < end) return undefined
  const framing = lengths.length === 0 ? unframed : 'length'
  return { message: { startLine, fields, framing, body: Buffer.from(bytes.subarray(length, end)), trailers: [] }, length: end }
}

function readChunked (bytes: Buffer, { startLine, fields, length }: ExactHead): ReadMessage | undefined {
  const chunks: Buffer[] = []
  let position = length
  for (;;) {
    const end = bytes.indexOf('\r\n', position)
    if (end === -1) return undefined
    const line = bytes.toString('latin1', position, end)
    if (!CHUNK_SIZE.test(line)) throw new NotHttp(`not a chunk size: ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    position = end + 2
    if (size === 0) break
    if (bytes.length < position + size + 2) return undefined
    chunks.push(bytes.subarray(position, position + size))
    position += size
    if (bytes.toString('latin1', position, position + 2) !== '\r\n') throw new NotHttp('no CR and LF behind a chunk')
    position += 2
  }
  const trailers: Field[] = []
  for (;;) {
    const end = bytes.indexOf('\r\n', position)
    if (end === -1) return undefined
    const line = bytes.toString('latin1', position, end)
    position = end + 2
    if (line === '') break
    trailers.push(fieldOf(line))
  }
  return { message: { startLine, fields, framing: 'chunked', body: Buffer.concat(chunks), trailers }, length: position }
}
