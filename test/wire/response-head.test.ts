import t, { type Test } from 'tap'
import { MessageFault } from '../../src/wire/message-fault.ts'
import type { BodyFraming, ResponseHead } from '../../src/wire/response-head.ts'
import { responseHead } from './made-head.ts'

/** A head of these lines. */
function text (statusLine: string, ...fields: string[]): string {
  return `${[statusLine, ...fields].join('\r\n')}\r\n\r\n`
}

function parse (statusLine: string, fields: readonly string[] = [], method = 'GET'): ResponseHead {
  return responseHead(text(statusLine, ...fields), method)
}

function ok (...fields: string[]): ResponseHead {
  return parse('HTTP/1.1 200 OK', fields)
}

function refuses (t: Test, statusLine: string, fields: readonly string[] = [], method = 'GET'): void {
  t.throws(() => parse(statusLine, fields, method), MessageFault, JSON.stringify([statusLine, ...fields, method]))
}

t.test('a status line has a version, three digits and whatever text', async (t) => {
  const cases: ReadonlyArray<readonly [line: string, statusCode: number, statusText: string]> = [
    ['HTTP/1.1 200 OK', 200, 'OK'],
    ['HTTP/1.0 404 Not Found', 404, 'Not Found'],
    ['HTTP/1.1 200', 200, ''],
    ['HTTP/1.1 200 ', 200, ''],
    ['HTTP/1.1 200  two blanks ', 200, ' two blanks '],
    ['HTTP/1.1 100 Continue', 100, 'Continue'],
    ['HTTP/1.1 299 Miscellaneous', 299, 'Miscellaneous'],
    ['HTTP/1.1 599 \u00fcber', 599, '\u00fcber'],
    ['HTTP/1.1 999 a\tb', 999, 'a\tb'],
    ['HTTP/1.1 200 200', 200, '200']
  ]
  for (const [line, statusCode, statusText] of cases) t.match(parse(line), { statusCode, statusText }, line)
})

t.test('anything else is no status line', async (t) => {
  const lines = [
    '', ' ', 'HTTP/1.1', 'HTTP/1.1 ', 'HTTP/1.1 2', 'HTTP/1.1 20', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000', 'HTTP/1.1 2000 OK', 'HTTP/1.1 099 OK', 'HTTP/1.1 000 OK',
    'HTTP/1.1 -200 OK', 'HTTP/1.1 +200 OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1 200OK', 'HTTP/1.1  200 OK', ' HTTP/1.1 200 OK', 'HTTP/1.1\t200 OK', 'HTTP/1.1 200\tOK',
    'HTTP/1.2 200 OK', 'HTTP/1.10 200 OK', 'HTTP/1 200 OK', 'HTTP/2 200', 'HTTP/2.0 200 OK', 'HTTP/0.9 200 OK', 'http/1.1 200 OK', 'Http/1.1 200 OK', 'HTTP/1,1 200 OK',
    'HTTPS/1.1 200 OK', 'ICY 200 OK', 'RTSP/1.0 200 OK', 'GET / HTTP/1.1', 'nonsense', 'SSH-2.0-OpenSSH_9.2', 'HTTP/1.1 \u0662\u0660\u0660 OK'
  ]
  for (const line of lines) refuses(t, line)
  refuses(t, '\r\nHTTP/1.1 200 OK')
})

t.test('no control character may stand anywhere in a head', async (t) => {
  for (const code of [0, 1, 8, 10, 11, 12, 13, 14, 27, 31, 127]) {
    const character = String.fromCharCode(code)
    refuses(t, `HTTP/1.1 200 O${character}K`)
    refuses(t, 'HTTP/1.1 200 OK', [`x-a: b${character}c`])
    refuses(t, 'HTTP/1.1 200 OK', [`x${character}a: b`])
  }
})

t.test('a line that is no field is refused, wherever it stands', async (t) => {
  for (const line of ['no colon', ': no name', 'x : y', ' folded', '\tfolded: y', 'x y: z']) {
    refuses(t, 'HTTP/1.1 200 OK', [line])
    refuses(t, 'HTTP/1.1 200 OK', ['a: b', line])
    refuses(t, 'HTTP/1.1 200 OK', [line, 'a: b'])
  }
})

t.test('fields go on in order, repeated ones apart, with values byte for byte', async (t) => {
  const { fields, hasRepeats, contentType } = ok('Set-Cookie: a=1', 'X-B: caf\u00e9', 'content-type: text/plain; charset=utf-8', 'set-cookie: b=2', 'Server: x')
  t.strictSame(fields, ['set-cookie', 'a=1', 'x-b', 'caf\u00e9', 'content-type', 'text/plain; charset=utf-8', 'set-cookie', 'b=2', 'server', 'x'])
  t.equal(hasRepeats, true)
  t.equal(contentType, 'text/plain; charset=utf-8')
})

t.test('whether a name is repeated is told, whatever its spelling', async (t) => {
  t.equal(ok().hasRepeats, false)
  t.equal(ok('a: 1', 'b: 1', 'c: a').hasRepeats, false)
  t.equal(ok('a: 1', 'b: 1', 'A: 1').hasRepeats, true)
  t.equal(ok('Connection: a', 'Connection: b').hasRepeats, false, 'of what does not go on it does not matter')
})

t.test('a head holds up to 1,000 fields', async (t) => {
  const many = Array.from({ length: 1_000 }, (_, index) => `x-${index}: 1`)
  t.equal(ok(...many).fields.length, 2_000)
  refuses(t, 'HTTP/1.1 200 OK', [...many, 'one-more: 1'])
})

t.test('fields of one hop do not go on, however they are spelt', async (t) => {
  const names = ['Connection', 'Keep-Alive', 'Proxy-Authenticate', 'Proxy-Authorization', 'Proxy-Connection', 'TE', 'Trailer', 'Upgrade', 'HTTP2-Settings']
  for (const name of names) {
    for (const spelt of [name, name.toLowerCase(), name.toUpperCase()]) t.strictSame(ok(`${spelt}: x`, 'kept: 1').fields, ['kept', '1'], spelt)
  }
  t.strictSame(ok('Transfer-Encoding: chunked', 'kept: 1').fields, ['kept', '1'])
})

t.test('a backend asks to be drained with the value 1 of a field that does not go on, whatever its value', async (t) => {
  t.equal(ok('a: 1').drains, false)
  for (const name of ['x-fastlancer-drain', 'X-Fastlancer-Drain']) {
    t.match(ok(`${name}: 1`, 'kept: 1'), { drains: true, fields: ['kept', '1'] })
    for (const value of ['', '0', 'true', '1, 1', '01']) t.match(ok(`${name}: ${value}`, 'kept: 1'), { drains: false, fields: ['kept', '1'] }, value)
  }
  t.match(ok('x-fastlancer-drain: 1', 'x-fastlancer-drain: 0'), { drains: true, fields: [] })
  t.match(parse('HTTP/1.1 503 Service Unavailable', ['x-fastlancer-drain: 1', 'content-length: 0']), { statusCode: 503, drains: true })
})

t.test('fields that Connection names do not go on, wherever they stand', async (t) => {
  t.strictSame(ok('X-One: 1', 'Connection: x-one, close , X-TWO', 'x-two: 2', 'kept: 3', 'X-ONE: 4').fields, ['kept', '3'])
  t.strictSame(ok('Connection: x-one', 'x-one: 1', 'x-two: 2', 'Connection: x-two', 'kept: 3').fields, ['kept', '3'])
  t.strictSame(ok('Connection: keep-alive', 'keep-alive: timeout=5', 'close: 1').fields, ['close', '1'])
})

t.test('Connection cannot take away the length', async (t) => {
  t.match(ok('Connection: content-length', 'Content-Length: 5'), { fields: ['content-length', '5'], framing: 'length', contentLength: 5 })
})

t.test('a content type that Connection takes away is none', async (t) => {
  const { fields, contentType } = ok('Connection: content-type', 'Content-Type: text/plain', 'kept: 1')
  t.strictSame(fields, ['kept', '1'])
  t.equal(contentType, undefined)
})

t.test('what changes protocols, and which trailers are announced, is told', async (t) => {
  t.match(ok(), { upgrade: undefined, trailer: undefined })
  t.match(ok('Upgrade: a', 'Trailer: X-A', 'UPGRADE: b', 'trailer: X-B, X-C'), { upgrade: 'a, b', trailer: 'X-A, X-B, X-C' })
})

type FramingCase = readonly [framing: BodyFraming, contentLength: number, statusLine: string, fields: readonly string[], method?: string]

const CHUNKED = 'Transfer-Encoding: chunked'

const FRAMINGS: readonly FramingCase[] = [
  ['close', -1, 'HTTP/1.1 200 OK', []],
  ['close', -1, 'HTTP/1.0 200 OK', []],
  ['close', -1, 'HTTP/1.1 500 Oh', ['Connection: keep-alive']],
  ['length', 0, 'HTTP/1.1 200 OK', ['Content-Length: 0']],
  ['length', 5, 'HTTP/1.1 404 No', ['content-length: 5']],
  ['length', 5, 'HTTP/1.0 200 OK', ['Content-Length:5']],
  ['length', 5, 'HTTP/1.1 200 OK', ['Content-Length: \t5 \t']],
  ['length', 5, 'HTTP/1.1 200 OK', ['Content-Length: 0000000000000005']],
  ['length', 9_007_199_254_740_991, 'HTTP/1.1 200 OK', ['Content-Length: 9007199254740991']],
  ['chunked', -1, 'HTTP/1.1 200 OK', [CHUNKED]],
  ['chunked', -1, 'HTTP/1.1 200 OK', ['TRANSFER-ENCODING: \tChunKed ']],
  ['none', -1, 'HTTP/1.1 204 No Content', []],
  ['none', -1, 'HTTP/1.1 304 Not Modified', []],
  ['none', 5, 'HTTP/1.1 304 Not Modified', ['Content-Length: 5']],
  ['none', 5, 'HTTP/1.1 200 OK', ['Content-Length: 5'], 'HEAD'],
  ['none', -1, 'HTTP/1.1 200 OK', [CHUNKED], 'HEAD'],
  ['none', -1, 'HTTP/1.1 404 No', [], 'HEAD'],
  ['none', -1, 'HTTP/1.1 304 Not Modified', [CHUNKED]],
  ['none', -1, 'HTTP/1.1 100 Continue', []],
  ['none', -1, 'HTTP/1.1 103 Early Hints', ['Link: x']],
  ['none', -1, 'HTTP/1.1 101 Switching Protocols', ['Upgrade: x']],
  ['length', 5, 'HTTP/1.1 205 Reset', ['Content-Length: 5']],
  ['length', 5, 'HTTP/1.1 200 OK', ['Content-Length: 5'], 'head']
]

t.test('what ends the body is what RFC 9112, section 6.3 says', async (t) => {
  for (const [framing, contentLength, line, fields, method] of FRAMINGS) {
    t.match(parse(line, fields, method), { framing, contentLength }, JSON.stringify([line, ...fields, method ?? 'GET']))
  }
})

t.test('a length that is not one number of digits is refused, even where there is no body', async (t) => {
  const values = [
    '', '-1', '+5', '5,', ',5', '5, 5', '5,5', '5, 6', '5 5', '0x5', '5.0', '5e1', 'five', '5;', '"5"', '\u0665', '5\u00a0', '00000000000000005',
    '9007199254740992', '18446744073709551616', 'Infinity', 'NaN'
  ]
  for (const value of values) {
    refuses(t, 'HTTP/1.1 200 OK', [`Content-Length: ${value}`])
    refuses(t, 'HTTP/1.1 200 OK', [`Content-Length: ${value}`], 'HEAD')
    refuses(t, 'HTTP/1.1 204 No Content', [`Content-Length: ${value}`])
    refuses(t, 'HTTP/1.1 103 Early Hints', [`Content-Length: ${value}`])
  }
})

t.test('two lengths are refused, equal or not', async (t) => {
  for (const second of ['5', '6', '05']) refuses(t, 'HTTP/1.1 200 OK', ['Content-Length: 5', `content-length: ${second}`])
  refuses(t, 'HTTP/1.1 304 Not Modified', ['Content-Length: 5', 'Content-Length: 5'])
})

t.test('a transfer coding other than chunked alone is refused', async (t) => {
  const values = ['', 'gzip', 'identity', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'chunked,', ',chunked', 'xchunked', 'chunkedx', 'chunked;q=1', 'chunked x', '"chunked"', 'chunked\u00a0']
  for (const value of values) {
    refuses(t, 'HTTP/1.1 200 OK', [`Transfer-Encoding: ${value}`])
    refuses(t, 'HTTP/1.1 200 OK', [`Transfer-Encoding: ${value}`], 'HEAD')
  }
  refuses(t, 'HTTP/1.1 200 OK', [CHUNKED, CHUNKED])
  refuses(t, 'HTTP/1.1 200 OK', ['Transfer-Encoding: gzip', CHUNKED])
})

t.test('a transfer coding together with a length is refused, in either order', async (t) => {
  refuses(t, 'HTTP/1.1 200 OK', ['Content-Length: 5', CHUNKED])
  refuses(t, 'HTTP/1.1 200 OK', [CHUNKED, 'Content-Length: 5'])
  refuses(t, 'HTTP/1.1 204 No Content', ['Content-Length: 5', CHUNKED])
  refuses(t, 'HTTP/1.1 200 OK', ['Content-Length: 0', CHUNKED], 'HEAD')
})

t.test('a transfer coding in HTTP/1.0 is refused', async (t) => {
  refuses(t, 'HTTP/1.0 200 OK', [CHUNKED])
  refuses(t, 'HTTP/1.0 200 OK', [CHUNKED, 'Connection: keep-alive'])
})

t.test('a length goes on with its head, but not with one that must not have any', async (t) => {
  t.strictSame(parse('HTTP/1.1 304 Not Modified', ['Content-Length: 5']).fields, ['content-length', '5'])
  t.strictSame(parse('HTTP/1.1 200 OK', ['Content-Length: 5'], 'HEAD').fields, ['content-length', '5'])
  t.strictSame(parse('HTTP/1.1 204 No Content', ['Content-Length: 5', 'kept: 1']).fields, ['kept', '1'])
  t.strictSame(parse('HTTP/1.1 103 Early Hints', ['Content-Length: 5', 'kept: 1']).fields, ['kept', '1'])
})

t.test('whether the connection can be used on is what version, Connection and framing say together', async (t) => {
  const cases: ReadonlyArray<readonly [keeps: boolean, statusLine: string, fields: readonly string[], method?: string]> = [
    [true, 'HTTP/1.1 200 OK', ['Content-Length: 5']],
    [true, 'HTTP/1.1 200 OK', [CHUNKED]],
    [true, 'HTTP/1.1 204 No Content', []],
    [true, 'HTTP/1.1 200 OK', [], 'HEAD'],
    [true, 'HTTP/1.1 200 OK', ['Content-Length: 5', 'Connection: keep-alive']],
    [true, 'HTTP/1.1 200 OK', ['Content-Length: 5', 'Connection: x-closed']],
    [false, 'HTTP/1.1 200 OK', []],
    [false, 'HTTP/1.1 200 OK', ['Connection: keep-alive']],
    [false, 'HTTP/1.1 200 OK', ['Content-Length: 5', 'Connection: close']],
    [false, 'HTTP/1.1 200 OK', [CHUNKED, 'Connection: x, CLOSE']],
    [false, 'HTTP/1.1 204 No Content', ['Connection: x', 'Connection: close']],
    [false, 'HTTP/1.1 200 OK', ['Content-Length: 5', 'Connection: keep-alive, close']],
    [false, 'HTTP/1.0 200 OK', ['Content-Length: 5']],
    [false, 'HTTP/1.0 204 No Content', []],
    [true, 'HTTP/1.0 200 OK', ['Content-Length: 5', 'Connection: Keep-Alive']],
    [false, 'HTTP/1.0 200 OK', ['Connection: keep-alive']],
    // RFC 9112, section 9.3: close is looked at first.
    [false, 'HTTP/1.0 200 OK', ['Content-Length: 5', 'Connection: close, keep-alive']],
    [false, 'HTTP/1.0 200 OK', ['Content-Length: 5', 'Connection: keep-alive', 'Connection: close']]
  ]
  for (const [keeps, line, fields, method] of cases) t.equal(parse(line, fields, method).keepsConnection, keeps, JSON.stringify([line, ...fields, method ?? 'GET']))
})
