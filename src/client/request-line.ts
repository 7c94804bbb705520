/**
 * The first line of a connection, read before the HTTP server sees it. Node's parser forgives some of it (several blanks, a
 * CR before it, other protocols' names) and says of everything else only that it is wrong; here each fault has its status.
 */
import { METHODS } from 'node:http'
import type { FastifyError } from '@fastify/error'
import { MethodUnknownError, RequestMalformedError, TargetTooLongError, VersionUnsupportedError } from '../errors.ts'

const METHOD_NAMES: ReadonlySet<string> = new Set(METHODS)

/** RFC 9112, section 3: single blanks, nothing else between. */
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) [^\s\x00-\x1f\x7f]+ HTTP\/([0-9]\.[0-9])$/

/** What a request, or an empty line before it (RFC 9112, section 2.2), can begin with. */
const FIRST_CHARACTER = /^[!#$%&'*+\-.^_`|~0-9A-Za-z\r]/

/** Empty lines before a request. One is to be passed over; somebody who sends ever more would be waited for. */
const MAX_EMPTY_LINES = 4

/** Method, version and blanks besides the target. */
const LINE_OVERHEAD_BYTES = 64

/** What the line says: `undefined` as long as it is not whole, `null` if it is good, else why it is refused. */
export function judgeRequestLine (bytes: Buffer, maxTargetBytes: number): FastifyError | null | undefined {
  const start = afterEmptyLines(bytes)
  if (start > MAX_EMPTY_LINES * 2) return new RequestMalformedError('nothing but empty lines')
  if (start === bytes.length) return undefined
  const limit = start + maxTargetBytes + LINE_OVERHEAD_BYTES
  const end = bytes.indexOf('\n', start)
  const text = bytes.toString('latin1', start, Math.min(end === -1 ? bytes.length : end, limit))
  if (!FIRST_CHARACTER.test(text)) return new RequestMalformedError('it does not begin with a method')
  if (end === -1 || end > limit) return bytes.length > limit ? new TargetTooLongError() : undefined
  const line = text.endsWith('\r') ? REQUEST_LINE.exec(text.slice(0, -1)) : null
  if (line === null) return new RequestMalformedError('the request line')
  if (!METHOD_NAMES.has(line[1] ?? '')) return new MethodUnknownError()
  return line[2] === '1.1' || line[2] === '1.0' ? null : new VersionUnsupportedError()
}

function afterEmptyLines (bytes: Buffer): number {
  let start = 0
  while (bytes[start] === 0x0d && bytes[start + 1] === 0x0a) start += 2
  return start
}
