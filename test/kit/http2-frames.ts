/** Frames of HTTP/2 as bytes (RFC 9113, section 4; RFC 7541 for heads): for what no proper implementation would send, or would hide. */

export const FrameType = {
  data: 0, headers: 1, priority: 2, rstStream: 3, settings: 4, pushPromise: 5, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9
} as const

export const Flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4 } as const

/** Error codes (RFC 9113, section 7). */
export const ErrorCode = {
  noError: 0, protocolError: 1, internalError: 2, flowControlError: 3, refusedStream: 7, cancel: 8, enhanceYourCalm: 11
} as const

/** What a client sends first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Length, type, flags and stream. */
export const FRAME_HEAD_BYTES = 9

export interface Frame {
  readonly type: number
  readonly flags: number
  /** 0: the connection itself. */
  readonly stream: number
  readonly payload: Buffer
}

/** Whole fields in the static table (RFC 7541, appendix A), as they stand in a head. */
const INDEXED_STATUS: ReadonlyMap<number, number> = new Map([[0x88, 200], [0x89, 204], [0x8a, 206], [0x8b, 304], [0x8c, 400], [0x8d, 404], [0x8e, 500]])
const INDEXED_STATUS_200 = 0x88

/** A change of the dynamic table's size, which may come first (RFC 7541, section 6.3). */
const isSizeUpdate = (byte: number): boolean => (byte & 0xe0) === 0x20

/** What fits into the first byte of a length (RFC 7541, section 5.1). */
const LENGTH_PREFIX = 127

export function frame (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** The head of a message in one frame. */
export function headersFrame (stream: number, fields: readonly string[], isEnd: boolean): Buffer {
  return frame(FrameType.headers, Flag.endHeaders | (isEnd ? Flag.endStream : 0), stream, fieldBlock(fields))
}

/** The head of an answer with status 200 and nothing else. */
export function okFrame (stream: number, isEnd: boolean): Buffer {
  return frame(FrameType.headers, Flag.endHeaders | (isEnd ? Flag.endStream : 0), stream, Buffer.from([INDEXED_STATUS_200]))
}

export function dataFrame (stream: number, text: string | Buffer, isEnd: boolean): Buffer {
  return frame(FrameType.data, isEnd ? Flag.endStream : 0, stream, Buffer.from(text))
}

export function rstFrame (stream: number, code: number): Buffer {
  return frame(FrameType.rstStream, 0, stream, uint32(code))
}

/** Settings by their identifiers (RFC 9113, section 6.5.2). */
export function settingsFrame (settings: ReadonlyArray<readonly [identifier: number, value: number]> = []): Buffer {
  return frame(FrameType.settings, 0, 0, Buffer.concat(settings.map(([identifier, value]) => Buffer.concat([Buffer.from([0, identifier]), uint32(value)]))))
}

export function goawayFrame (lastStream: number, code: number): Buffer {
  return frame(FrameType.goaway, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)]))
}

export function windowFrame (stream: number, bytes: number): Buffer {
  return frame(FrameType.windowUpdate, 0, stream, uint32(bytes))
}

/** Fields, names and values in turn, each written out: nothing is indexed, nothing is compressed. */
export function fieldBlock (fields: readonly string[]): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) parts.push(Buffer.from([0]), textOf(fields[i] ?? ''), textOf(fields[i + 1] ?? ''))
  return Buffer.concat(parts)
}

/** The head of a request to `path`, pseudo-fields first. */
export function requestFieldsOf (path: string, more: readonly string[] = [], method = 'GET'): string[] {
  return [':method', method, ':scheme', 'http', ':authority', 'client.test', ':path', path, ...more]
}

/** The code of a RST_STREAM or GOAWAY. */
export function codeOf ({ type, payload }: Frame): number {
  return payload.readUInt32BE(type === FrameType.goaway ? 4 : 0)
}

/** The status in the head of an answer; undefined for one that is not in the static table. */
export function statusIn ({ payload }: Frame): number | undefined {
  return INDEXED_STATUS.get(payload.find((byte) => !isSizeUpdate(byte)) ?? 0)
}

export function endsStream ({ type, flags }: Frame): boolean {
  return (type === FrameType.data || type === FrameType.headers) && (flags & Flag.endStream) !== 0
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function textOf (text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([lengthOf(bytes.length), bytes])
}

function lengthOf (length: number): Buffer {
  if (length < LENGTH_PREFIX) return Buffer.from([length])
  const bytes = [LENGTH_PREFIX]
  let rest = length - LENGTH_PREFIX
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
