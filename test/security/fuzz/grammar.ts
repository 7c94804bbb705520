/** Makes up what a client might send to get a request past somebody: good requests, ambiguous ones, and what mutations make of them. */
import { pick, type Random, repeated, roll } from './random.ts'

/** What one client sends over one connection. */
export interface Attack {
  /** As latin1: each character is a byte. */
  readonly text: string
  /** Where it is cut into writes. */
  readonly cuts: readonly number[]
  /** Whether its framing is ambiguous and nothing else was done to it: then no backend may see what it hides. */
  readonly isAmbiguous: boolean
}

/** The target of the requests that are hidden in bodies. */
export const HIDDEN = '/hidden'

const HIDDEN_REQUEST = `GET ${HIDDEN} HTTP/1.1\r\nHost: hidden.test\r\n\r\n`

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'QUERY', 'M-SEARCH']
const ODD_METHODS = ['TRACE', 'CONNECT', 'BREW', 'get', 'PRI', 'SOURCE', '']
const TARGETS = ['/', '/a', '/a?b=c', '/%00', '/a/../b', '/a\\b', '//x/y', 'http://a.test/x', 'http://a.test', 'https://u@a.test/', '*', 'a.test:80', '/a#b', '/a%20b', '/\x7f', '/a b', '']
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1 ', 'HTTP/01.1']
const HOSTS = ['Host: a.test', 'Host: a.test', 'Host: a.test', 'host: b.test:81', 'Host: [::1]:80', 'Host:a.test', 'Host: a.test\r\nHost: b.test', 'Host: a b', 'Host:', 'X: no host']

const FIELDS = [
  'Accept: */*', 'Cookie: a=b', 'cookie: c=d', 'X-A: 1', 'x-a: 2', 'X-Empty:', 'X-Latin: caf\xe9', 'User-Agent: fuzz', 'Connection: close', 'Connection: keep-alive', 'Connection: x-a, te',
  'Connection: content-length', 'Connection: transfer-encoding, host', 'Keep-Alive: timeout=1', 'TE: trailers', 'Trailer: X-T', 'Upgrade: h2c', 'Connection: upgrade', 'Upgrade: websocket',
  'HTTP2-Settings: AAMAAABkAAQAAP__', 'X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1', 'X_Under: score', 'Expect: 100-continue', 'Via: 1.0 x', 'X-Request-Id: mine',
  'Proxy-Connection: keep-alive', 'Content-Type: text/plain', 'Max-Forwards: 0', '__proto__: a', 'constructor: a', '1: a'
]

const ODD_FIELDS = ['Content-Length : 5', 'X-Fold: a\r\n b', ' X-Space: a', 'X-Nul: a\0b', 'no colon', ': no name', 'X: a\nY: b', 'Expect: 200-ok']

/** Framings that two readers could take for different things; `N` stands for the length of the body. */
const AMBIGUOUS = [
  'Content-Length: N\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: N', 'Content-Length: N\r\nContent-Length: 0', 'Content-Length: 0\r\nContent-Length: N',
  'Content-Length: N, N', 'Content-Length: 0, N', 'Content-Length: +N', 'Content-Length: N.0', 'Content-Length: 0xN', 'Content-Length: N \x0b', 'Content-Length: -N', 'Content-Length: 0N, 0',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity', 'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked\x0b', 'Transfer-Encoding: "chunked"', 'Transfer-Encoding: chunked;q=1', 'Transfer-Encoding: ,chunked\r\nContent-Length: N', 'Transfer-Encoding : chunked\r\nContent-Length: 0',
  'Transfer-Encoding\t: chunked\r\nContent-Length: 0', 'Transfer-Encoding:\r\n chunked\r\nContent-Length: 0', 'X: y\nTransfer-Encoding: chunked\r\nContent-Length: 0', 'X: y\rTransfer-Encoding: chunked\r\nContent-Length: 0',
  'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked, chunked', '\0Content-Length: N', 'Content\0-Length: N\r\nContent-Length: 0'
]

const BODIES = [
  HIDDEN_REQUEST, HIDDEN_REQUEST, `0\r\n\r\n${HIDDEN_REQUEST}`, `1\r\na\r\n0\r\n\r\n${HIDDEN_REQUEST}`, `\r\n\r\n${HIDDEN_REQUEST}`, 'hello', '', 'a=b&c=d', '\r\n', '\0\x01\xff', `0\n\n${HIDDEN_REQUEST}`,
  `x\r\n${HIDDEN_REQUEST}${HIDDEN_REQUEST}`
]

const CHUNK_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', ' \r\n', '\r\n\r\n', '\r\r\n']
const EXTENSIONS = ['', '', '', '', '', ';a', ';a=b', ';a="b;c"', ';', ' ;a', ';a=b\rc', ';\n', `;${'x'.repeat(200)}`]
const TRAILERS = ['', '', '', 'X-T: 1\r\n', 'x-t: a\r\nX-T: b\r\n', 'Content-Length: 9\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: c.test\r\n', 'X-Forwarded-For: 1\r\n', 'no colon\r\n', 'X: y\n', `Z: ${'z'.repeat(300)}\r\n`]

/** What is put in, in the place of something else or besides it. */
const SPLINTERS = [
  '\r\n', '\r', '\n', '\r\n\r\n', '\n\n', ' ', '\t', '\0', '\x0b', '\x0c', '\x7f', '\x80', '\xa0', '\xff', ':', ';', ',', '"', '0', '1', '9', 'a', 'F', '-', '+', '0\r\n\r\n', '5\r\n', 'ffffffffffffffff\r\n',
  'HTTP/1.1', 'HTTP/1.0', 'GET / HTTP/1.1\r\n', 'Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: close\r\n', 'Host: z.test\r\n', '\r\n ', 'Expect: 100-continue\r\n',
  HIDDEN_REQUEST, '\r\n\r\n\r\n', '%0d%0a', '\u0001', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
]

const LARGEST = 150_000

/** What one client sends: one to four requests, good, ambiguous or broken. */
export function makeAttack (random: Random): Attack {
  const isAmbiguous = random() < 0.2
  let text = repeated(random, 1, 4, () => isAmbiguous ? ambiguous(random) : request(random)).join('')
  const changes = isAmbiguous ? 0 : Math.floor(random() * random() * 6)
  for (let left = changes; left > 0; left--) text = changed(text, random)
  if (random() < 0.5) text += 'GET /end HTTP/1.1\r\nHost: end.test\r\nConnection: close\r\n\r\n'
  return { text, cuts: cutsOf(text, random), isAmbiguous }
}

function request (random: Random): string {
  const lines = [`${pickOften(pick(METHODS, random), ODD_METHODS, random)} ${pickOften('/a?', TARGETS, random)} ${pickOften('HTTP/1.1', VERSIONS, random)}`, pickOften('Host: a.test', HOSTS, random)]
  const fields = repeated(random, 0, 4, () => pickOften(pick(FIELDS, random), ODD_FIELDS, random))
  const body = random() < 0.01 ? 'b'.repeat(roll(random, LARGEST)) : pick(BODIES, random)
  const framing = random()
  let sent = ''
  if (framing < 0.35) {
    fields.push(`Content-Length: ${random() < 0.95 ? body.length : roll(random, 60)}`)
    sent = body
  } else if (framing < 0.7) {
    fields.push(random() < 0.9 ? 'Transfer-Encoding: chunked' : 'transfer-encoding:CHUNKED')
    sent = chunked(body, random)
  }
  if (random() < 0.005) fields.push(`X-Large: ${'l'.repeat(roll(random, 40_000))}`)
  return `${[...lines, ...fields].join('\r\n')}\r\n\r\n${sent}`
}

function ambiguous (random: Random): string {
  const body = pick(BODIES, random)
  const sent = random() < 0.5 ? body : chunked(body, random)
  const framing = pick(AMBIGUOUS, random).replaceAll('N', String(sent.length))
  return `${random() < 0.8 ? 'POST' : 'GET'} /a HTTP/1.1\r\nHost: a.test\r\n${framing}\r\n\r\n${sent}`
}

function chunked (body: string, random: Random): string {
  let text = ''
  for (let left = body; left !== '';) {
    const size = 1 + roll(random, left.length)
    const said = random() < 0.97 ? size : roll(random, 300)
    text += `${random() < 0.1 ? '0' : ''}${said.toString(16)}${pickOften('', EXTENSIONS, random)}${pickOften('\r\n', CHUNK_ENDS, random)}${left.slice(0, size)}${pickOften('\r\n', CHUNK_ENDS, random)}`
    left = left.slice(size)
  }
  return `${text}${pickOften('0', ['0', '00', '', '0x0', ' 0'], random)}${pickOften('', EXTENSIONS, random)}\r\n${pick(TRAILERS, random)}${pickOften('\r\n', ['\r\n', '\n', ''], random)}`
}

/** One thing done to a text: something put in, taken out, said twice, or one byte made another. */
export function changed (text: string, random: Random): string {
  const at = roll(random, text.length + 1)
  const end = Math.min(text.length, at + 1 + roll(random, random() < 0.8 ? 4 : 60))
  const kind = random()
  if (kind < 0.4) return text.slice(0, at) + pick(SPLINTERS, random) + text.slice(at)
  if (kind < 0.55) return text.slice(0, at) + pick(SPLINTERS, random) + text.slice(end)
  if (kind < 0.7) return text.slice(0, at) + text.slice(end)
  if (kind < 0.8) return text.slice(0, end) + text.slice(at)
  if (kind < 0.9) return text.slice(0, at) + String.fromCharCode(text.charCodeAt(Math.min(at, text.length - 1)) ^ (1 << roll(random, 8))) + text.slice(at + 1)
  if (kind < 0.95) return text.slice(0, end)
  // A whole line once more, somewhere else.
  const line = text.slice(text.lastIndexOf('\n', at) + 1, text.indexOf('\n', at) + 1)
  const place = text.indexOf('\n', roll(random, text.length)) + 1
  return text.slice(0, place) + line + text.slice(place)
}

/** In one piece, in some, or byte by byte. */
function cutsOf (text: string, random: Random): number[] {
  const kind = random()
  if (kind < 0.5) return []
  if (kind < 0.95 || text.length > 400) return repeated(random, 1, 6, () => roll(random, text.length))
  return Array.from({ length: text.length }, (_, i) => i)
}

/** Mostly the usual thing. */
function pickOften (usual: string, choices: readonly string[], random: Random): string {
  return random() < 0.93 ? usual : pick(choices, random)
}
