/** The first line of a connection: each fault has its status, and no piece of a good line is refused. */
import t from 'tap'
import { judgeRequestLine } from '../../src/client/request-line.ts'

const MAX_TARGET_BYTES = 100

/** Bytes that a client may send ahead of its first request, at most. */
const EMPTY_LINES_BYTES = 64 * 1024

/** The code of a fault, `good`, or `more`. */
function judged (text: string): string {
  const judgement = judgeRequestLine(Buffer.from(text, 'latin1'), MAX_TARGET_BYTES)
  if (judgement === undefined) return 'more'
  return judgement === null ? 'good' : judgement.code
}

const GOOD = [
  'GET / HTTP/1.1\r\n',
  'GET / HTTP/1.0\r\n',
  'PROPFIND /a%20b?c=d HTTP/1.1\r\nhost: a\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\n',
  'GET http://a.test/ HTTP/1.1\r\n',
  'CONNECT a.test:443 HTTP/1.1\r\n',
  'M-SEARCH /caf\xe9 HTTP/1.1\r\n',
  `GET /${'x'.repeat(MAX_TARGET_BYTES - 1)} HTTP/1.1\r\n`,
  '\r\nGET / HTTP/1.1\r\n',
  '\r\n\r\nGET / HTTP/1.1\r\n'
]

for (const line of GOOD) {
  t.test(`good, and waited for in whatever pieces it comes: ${JSON.stringify(line.slice(0, 50))}`, (t) => {
    t.equal(judged(line), 'good')
    const end = line.indexOf('\n', line.indexOf('H')) + 1
    for (let length = 1; length < end; length++) t.equal(judged(line.slice(0, length)), 'more', `${length} bytes`)
    t.end()
  })
}

const FAULTS: ReadonlyArray<readonly [line: string, code: string]> = [
  ['GET  / HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET /  HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET / HTTP/1.1 \r\n', 'FL_REQUEST_MALFORMED'],
  ['GET /\tHTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET / HTTP/1.1\n', 'FL_REQUEST_MALFORMED'],
  ['GET / HTTP/1.1\r\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET /a\x00b HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET /a\x7fb HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET /\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET / http/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET / HTTP/11\r\n', 'FL_REQUEST_MALFORMED'],
  ['GET / ICE/1.0\r\n', 'FL_REQUEST_MALFORMED'],
  ['G{T / HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n', 'FL_REQUEST_MALFORMED'],
  ['\r\r\nGET / HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['\nGET / HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  [' GET / HTTP/1.1\r\n', 'FL_REQUEST_MALFORMED'],
  ['\x16\x03\x01\x00', 'FL_REQUEST_MALFORMED'],
  ['\x00', 'FL_REQUEST_MALFORMED'],
  ['BREW / HTTP/1.1\r\n', 'FL_METHOD_UNKNOWN'],
  ['get / HTTP/1.1\r\n', 'FL_METHOD_UNKNOWN'],
  ['PRI * HTTP/2.0\r\n', 'FL_METHOD_UNKNOWN'],
  ['GET / HTTP/0.9\r\n', 'FL_VERSION_UNSUPPORTED'],
  ['GET / HTTP/1.2\r\n', 'FL_VERSION_UNSUPPORTED'],
  ['GET / HTTP/2.0\r\n', 'FL_VERSION_UNSUPPORTED'],
  [`GET /${'x'.repeat(10 * MAX_TARGET_BYTES)} HTTP/1.1\r\n`, 'FL_TARGET_TOO_LONG'],
  [`GET /${'x'.repeat(10 * MAX_TARGET_BYTES)}`, 'FL_TARGET_TOO_LONG'],
  ['x'.repeat(10 * MAX_TARGET_BYTES), 'FL_TARGET_TOO_LONG']
]

for (const [line, code] of FAULTS) {
  t.test(`${code}: ${JSON.stringify(line.slice(0, 50))}`, (t) => {
    t.equal(judged(line), code)
    t.end()
  })
}

t.test('a client with nothing but empty lines is not listened to for ever', (t) => {
  t.not(judged('\r\n'.repeat(EMPTY_LINES_BYTES / 2)), 'more')
  t.end()
})

t.test('every fault has a status of its own', (t) => {
  const statuses = ['GET\r\n', 'BREW / HTTP/1.1\r\n', 'GET / HTTP/3.0\r\n', 'x'.repeat(1_000)]
    .map((line) => judgeRequestLine(Buffer.from(line), MAX_TARGET_BYTES)?.statusCode)
  t.same(statuses, [400, 501, 505, 414])
  t.end()
})
