/** Makes responses up, good ones and broken ones, the same ones for a seed. */

/** Numbers from 0 (included) to 1 (not included), the same ones for a seed. */
export type Random = () => number

export interface MadeUp {
  readonly method: string
  readonly bytes: Buffer
}

const STATUS_LINES = [
  'HTTP/1.1 200 OK', 'HTTP/1.1 200 OK', 'HTTP/1.1 200 OK', 'HTTP/1.0 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 500', 'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 Not Modified', 'HTTP/1.1 206  Partial ', 'HTTP/1.0 302 Fo\xfcnd', 'HTTP/1.1 599 a\tb', 'HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 205 Reset Content'
]

const FIELDS = [
  'Server: x', 'X-Empty:', 'x-a:  b  ', 'x-a: c', 'X-Latin: caf\xe9', 'Set-Cookie: a=1; Path=/', 'set-cookie: b=2', 'Content-Type: text/plain', 'Connection: close',
  'Connection: keep-alive', 'Connection: x-a, Server', 'Keep-Alive: timeout=5', 'Upgrade: x', 'Trailer: X-T', 'x:y:z: a:b', `X-Long: ${'y'.repeat(300)}`,
  '!#$%&\'*+-.^_`|~: 1', 'ETag: "a,b"', 'Vary: *', 'Proxy-Authenticate: Basic'
]

const PROVISIONAL = ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 102\r\nx: y\r\n\r\n']

const BODIES = ['', 'a', 'hello', '\x00\xff\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', '0\r\n\r\n', 'x'.repeat(700)]

const TRAILERS = ['', '', 'X-T: 1\r\n', 'a: b\r\nA:  c \r\nX-Sum: \xe9\r\n']

const EXTENSIONS = ['', '', ';a', ';a=b', ';a="b"']

/** What is put into a good response to make it another one, mostly a broken one. */
const SPLINTERS = [
  '\r\n', '\r', '\n', ' ', '\t', ':', ';', ',', '\x00', '\x0b', '\x7f', '\x80', '\xff', '0', '1', '5', 'a', 'f', 'x', '-', '+', '"', '\r\n ', '\r\nContent-Length: 5', '\r\nContent-Length: 0',
  '\r\nTransfer-Encoding: chunked', '\r\nTransfer-Encoding: identity', '\r\nTransfer-Encoding: gzip, chunked', '\r\nConnection: close', '\r\n\r\n', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n', '\r\nx-f: a\r\n b'
]

export function seeded (seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A response, with up to two things changed in it. */
export function makeUp (random: Random): MadeUp {
  let text = good(random)
  for (let changes = Math.floor(random() * 3); changes > 0; changes--) text = changed(text, random)
  return { method: random() < 0.15 ? 'HEAD' : 'GET', bytes: Buffer.from(text, 'latin1') }
}

function good (random: Random): string {
  const lines = [pick(STATUS_LINES, random)]
  for (let left = Math.floor(random() * 5); left > 0; left--) lines.push(pick(FIELDS, random))
  const body = pick(BODIES, random)
  const framing = random()
  let sent = body
  if (framing < 0.4) {
    lines.push(`Content-Length: ${body.length}`)
  } else if (framing < 0.8) {
    lines.push('Transfer-Encoding: chunked')
    sent = chunked(body, random)
  }
  const provisional = random() < 0.15 ? pick(PROVISIONAL, random) : ''
  return `${provisional}${lines.join('\r\n')}\r\n\r\n${sent}`
}

function chunked (body: string, random: Random): string {
  let text = ''
  let left = body
  while (left !== '') {
    const size = 1 + Math.floor(random() * left.length)
    text += `${random() < 0.1 ? '0' : ''}${size.toString(16)}${pick(EXTENSIONS, random)}\r\n${left.slice(0, size)}\r\n`
    left = left.slice(size)
  }
  return `${text}0${pick(EXTENSIONS, random)}\r\n${pick(TRAILERS, random)}\r\n`
}

function changed (text: string, random: Random): string {
  const at = Math.floor(random() * (text.length + 1))
  const taken = random() < 0.5 ? 0 : 1 + Math.floor(random() * 3)
  return `${text.slice(0, at)}${random() < 0.7 ? pick(SPLINTERS, random) : ''}${text.slice(at + taken)}`
}

function pick (choices: readonly string[], random: Random): string {
  return choices[Math.floor(random() * choices.length)] ?? ''
}
