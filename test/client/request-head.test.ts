import { IncomingMessage, METHODS } from 'node:http'
import { Socket } from 'node:net'
import t from 'tap'
import type { RawRequest } from '../../src/client/client-side.ts'
import { FieldKinds } from '../../src/client/field-kinds.ts'
import { type HeadRules, RequestHead } from '../../src/client/request-head.ts'

const RULES: HeadRules = {
  maxTargetBytes: 8_192,
  maxFields: 100,
  maxFieldBytes: 16_384,
  maxBodyBytes: 0,
  pathPolicy: 'strict',
  methods: new Set(METHODS),
  kinds: new FieldKinds('drop')
}

interface Sent {
  readonly method?: string
  readonly url?: string
  readonly version?: '0.9' | '1.0' | '1.1' | '2.0'
  /** `name: value`; for HTTP/1.1 a Host is put before them unless `host` is '' or they are of HTTP/2. */
  readonly fields?: readonly string[]
  readonly host?: string
  /** HTTP/2 alone: whether nothing follows the head. */
  readonly endAfterHeaders?: boolean
}

/** A request as Node's server tells of it. */
function requestOf ({ method = 'GET', url = '/', version = '1.1', fields = [], host = 'host: a', endAfterHeaders = true }: Sent): RawRequest {
  const lines = version === '1.1' && host !== '' ? [host, ...fields] : fields
  const message = new IncomingMessage(new Socket())
  const [major = 0, minor = 0] = version.split('.').map(Number)
  Object.assign(message, { method, url, httpVersionMajor: major, httpVersionMinor: minor })
  message.rawHeaders = lines.flatMap((line) => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
  return major === 2 ? Object.assign(message, { stream: { endAfterHeaders } }) : message
}

function read (sent: Sent, rules: Partial<HeadRules> = {}): RequestHead {
  return new RequestHead(requestOf(sent), sent.url ?? '/', { ...RULES, ...rules })
}

/** The code that a request is refused with; 'taken' if it is not. */
function verdict (sent: Sent, rules: Partial<HeadRules> = {}): string {
  try {
    read(sent, rules)
    return 'taken'
  } catch (error) {
    return error instanceof Error && 'code' in error && 'statusCode' in error ? `${String(error.statusCode)} ${String(error.code)}` : String(error)
  }
}

t.test('plain fields go on as they came: spelling, order, repetitions, bytes', async (t) => {
  const fields = ['X-MiXeD: 1', 'accept: */*', 'x-latin: caf\xe9', 'X-MiXeD: 2', 'x-empty: ', 'Cookie: a=1', 'Cookie: b=2', 'via: 1.1 before']
  t.strictSame(read({ fields }).fields, fields.flatMap((line) => line.split(': ')))
})

t.test('fields of this hop end here, and so do those that Connection names', async (t) => {
  const fields = [
    'Connection: X-Private, close , x-other', 'keep-alive: 5', 'x-private: 1', 'X-OTHER: 2', 'x-third: 3', 'proxy-authorization: secret',
    'connection: ,X-Third,', 'x_user: admin', 'x-public: 4', 'client-cert: :forged:'
  ]
  t.strictSame(read({ fields }).fields, ['x-public', '4'])
  for (const connection of ['keep-alive', 'close', 'Keep-Alive', 'keep-alive, close']) {
    t.strictSame(read({ fields: [`connection: ${connection}`, 'x-public: 4'] }).fields, ['x-public', '4'], connection)
  }
})

t.test('Connection takes away nothing that makes the message, or that the gateway writes', async (t) => {
  const fields = ['content-length: 4', 'x-forwarded-for: 9.9.9.9', 'te: trailers', 'expect: 100-continue']
  const head = read({ method: 'POST', fields: ['connection: host, content-length, x-forwarded-for, expect, te', ...fields] })
  t.match(head, { host: 'a', length: 4, hasBody: true, forwarding: ['x-forwarded-for', '9.9.9.9'], wantsTrailers: true, expectsContinue: true, fields: [] })
})

t.test('what a client says of where its request came from is kept apart, names in lower case', async (t) => {
  const said = ['X-Forwarded-For: 1.1.1.1', 'Forwarded: for=2.2.2.2', 'X-Forwarded-For: 3.3.3.3', 'X-Request-ID: id', 'X-Real-IP: 4.4.4.4']
  const head = read({ fields: ['accept: x', ...said] })
  t.strictSame(head.forwarding, said.flatMap((line) => line.toLowerCase().split(': ')))
  t.strictSame(head.fields, ['accept', 'x'])
  t.strictSame(read({}).forwarding, [])
  t.strictSame(read({ fields: ['x-forwarded-for: 1.1.1.1'] }).forwarding, ['x-forwarded-for', '1.1.1.1'], 'nothing is left of another request')
})

t.test('HTTP/1.1 needs one Host, HTTP/1.0 none', async (t) => {
  t.equal(read({ host: 'HOST: shop.example:81' }).host, 'shop.example:81')
  t.equal(read({ version: '1.0' }).host, undefined)
  t.equal(read({ version: '1.0', fields: ['host: a'] }).host, 'a')
  t.equal(verdict({ host: '' }), '400 FL_HOST_INVALID')
  for (const version of ['1.0', '1.1'] as const) {
    for (const host of ['', 'a, b', 'a/b', 'u@a', 'a:99999', 'a b']) t.equal(verdict({ version, host: '', fields: [`host: ${host}`] }), '400 FL_HOST_INVALID', host)
    for (const host of ['Host: b', 'HOST: a']) t.equal(verdict({ version, host: '', fields: ['host: a', host] }), '400 FL_HOST_INVALID', host)
  }
})

t.test('a target in absolute form takes the place of Host', async (t) => {
  t.match(read({ url: 'http://Other.example:8080/p?q' }), { host: 'Other.example:8080', target: '/p?q' })
  t.match(read({ url: 'http://other.example', method: 'OPTIONS' }), { host: 'other.example', target: '*' })
  t.equal(read({ url: 'http://other.example/', version: '1.0' }).host, 'other.example')
  for (const fields of [['host: a', 'host: b'], ['host: a b'], []]) {
    t.equal(verdict({ url: 'http://other.example/', host: '', fields }), '400 FL_HOST_INVALID', 'Host has to be in order all the same (RFC 9112, section 3.2)')
  }
})

t.test('in HTTP/2 :authority is the Host, and Host must not differ from it', async (t) => {
  const pseudo = [':method: GET', ':scheme: https', ':path: /', ':authority: shop.example']
  t.match(read({ version: '2.0', fields: [...pseudo, 'accept: x'] }), { host: 'shop.example', fields: ['accept', 'x'], hasBody: false })
  t.equal(read({ version: '2.0', fields: [...pseudo, 'host: shop.example'] }).host, 'shop.example')
  t.equal(read({ version: '2.0', fields: [...pseudo.slice(0, 3), 'host: shop.example'] }).host, 'shop.example')
  t.equal(verdict({ version: '2.0', fields: [...pseudo, 'host: other.example'] }), '400 FL_HOST_INVALID')
  t.equal(verdict({ version: '2.0', fields: pseudo.slice(0, 3) }), '400 FL_HOST_INVALID')
  t.equal(verdict({ version: '2.0', fields: [...pseudo.slice(0, 3), ':authority: u@a'] }), '400 FL_HOST_INVALID')
})

t.test('in HTTP/2 there is no absolute form, and no Transfer-Encoding', async (t) => {
  const fields = [':method: GET', ':scheme: https', ':path: /', ':authority: a']
  for (const url of ['http://a/', 'https://a', 'a', '']) t.equal(verdict({ version: '2.0', url, fields }), '400 FL_TARGET_INVALID', url)
  t.equal(read({ version: '2.0', method: 'OPTIONS', url: '*', fields }).target, '*')
  t.equal(verdict({ version: '2.0', fields: [...fields, 'transfer-encoding: chunked'] }), '400 FL_FRAMING_INVALID')
})

t.test('in HTTP/2 cookies that come one by one are put together, and the stream tells of a body', async (t) => {
  const fields = [':authority: a', 'cookie: a=1', 'accept: x', 'cookie: b=2', 'cookie: c=3']
  t.strictSame(read({ version: '2.0', fields }).fields, ['cookie', 'a=1; b=2; c=3', 'accept', 'x'])
  t.match(read({ version: '2.0', fields, endAfterHeaders: false }), { hasBody: true, length: undefined })
  t.match(read({ version: '2.0', fields: [...fields, 'content-length: 5'], endAfterHeaders: false }), { hasBody: true, length: 5 })
  t.match(read({ version: '2.0', fields: [...fields, 'expect: 100-continue'], endAfterHeaders: false }), { expectsContinue: true })
})

t.test('Content-Length is one number', async (t) => {
  for (const [text, length] of [['5', 5], ['0', 0], ['0005', 5], ['9007199254740991', Number.MAX_SAFE_INTEGER]] as const) {
    t.match(read({ fields: [`content-length: ${text}`] }), { length, hasBody: length > 0 }, text)
  }
  const others = ['', '+5', '-5', '-0', '5.0', '0x5', '5 5', '5,5', '5, 5', '1e3', 'five', '5;', '\xb2', '9007199254740992', '9'.repeat(20), '9'.repeat(400)]
  for (const text of others) {
    t.equal(verdict({ fields: [`content-length: ${text}`] }), '400 FL_FRAMING_INVALID', text.slice(0, 30))
  }
  t.equal(verdict({ fields: ['content-length: 5', 'Content-Length: 5'] }), '400 FL_FRAMING_INVALID')
  t.match(read({}), { length: undefined, hasBody: false })
})

t.test('a body longer than the rules allow is refused by its length', async (t) => {
  t.equal(read({ fields: ['content-length: 10'] }, { maxBodyBytes: 10 }).length, 10)
  t.equal(verdict({ fields: ['content-length: 11'] }, { maxBodyBytes: 10 }), '413 FL_BODY_TOO_LARGE')
  t.equal(verdict({ fields: ['content-length: 9007199254740991'] }, { maxBodyBytes: 10 }), '413 FL_BODY_TOO_LARGE')
  t.equal(verdict({ fields: ['content-length: 9007199254740992'] }, { maxBodyBytes: 10 }), '400 FL_FRAMING_INVALID', 'beyond doubt comes first')
})

t.test('Transfer-Encoding is chunked and nothing else, in HTTP/1.1 alone', async (t) => {
  for (const coding of ['chunked', 'Chunked']) t.match(read({ fields: [`transfer-encoding: ${coding}`] }), { hasBody: true, length: undefined })
  const others = ['', 'identity', 'chunked, chunked', 'chunked, gzip', 'xchunked', ',chunked', 'chunked;q=1', '"chunked"', 'chunked, identity', 'chunked\xa0']
  for (const coding of others) {
    t.equal(verdict({ fields: [`transfer-encoding: ${coding}`] }), '400 FL_FRAMING_INVALID', coding)
  }
  t.equal(verdict({ fields: ['transfer-encoding: chunked', 'transfer-encoding: chunked'] }), '400 FL_FRAMING_INVALID')
  t.equal(verdict({ version: '1.0', fields: ['transfer-encoding: chunked'] }), '400 FL_FRAMING_INVALID')
  t.equal(verdict({ fields: ['transfer-encoding: gzip, chunked'] }), '501 FL_CODING_UNKNOWN')
  t.equal(verdict({ fields: ['transfer-encoding: gzip', 'transfer-encoding: chunked'] }), '501 FL_CODING_UNKNOWN')
})

t.test('a client that waits to be asked for its body says so in one way', async (t) => {
  const expect = (value: string, more: Sent = {}): Sent => ({ method: 'PUT', ...more, fields: ['content-length: 1', `expect: ${value}`] })
  for (const value of ['100-continue', '100-Continue']) t.equal(read(expect(value)).expectsContinue, true)
  t.equal(read({ fields: ['expect: 100-continue'] }).expectsContinue, false, 'there is no body')
  t.equal(read({ fields: ['content-length: 1'] }).expectsContinue, false, 'it does not say so')
  for (const value of ['', '100', '100-continue, x', 'y 100-continue', 'x']) {
    t.equal(verdict(expect(value)), '417 FL_EXPECTATION_FAILED', value)
    t.equal(verdict(expect(value, { version: '1.0' })), 'taken', 'HTTP/1.0 knows no Expect')
  }
  t.equal(verdict({ fields: ['expect: x'] }), '417 FL_EXPECTATION_FAILED')
  t.equal(read(expect('100-continue', { version: '1.0' })).expectsContinue, false)
})

t.test('trailers are welcome to those who say so', async (t) => {
  for (const te of ['trailers', 'Trailers', 'gzip;q=0.5, trailers']) t.equal(read({ fields: [`te: ${te}`] }).wantsTrailers, true, te)
  for (const te of ['', 'gzip', 'trailersx', 'x trailers']) t.equal(read({ fields: [`te: ${te}`] }).wantsTrailers, false, te)
  t.equal(read({ fields: ['te: gzip', 'te: trailers'] }).wantsTrailers, true)
  t.equal(read({}).wantsTrailers, false)
})

t.test('the protocols that the client would like to change to are kept apart', async (t) => {
  t.match(read({ fields: ['upgrade: websocket', 'connection: upgrade'] }), { upgrade: 'websocket', fields: [] })
  t.equal(read({ fields: ['upgrade: a', 'upgrade: b'] }).upgrade, 'a, b')
  t.equal(read({}).upgrade, undefined)
})

t.test('methods and versions that are not served', async (t) => {
  for (const method of ['CONNECT', 'TRACE']) t.equal(verdict({ method }), '405 FL_METHOD_NOT_ALLOWED')
  for (const method of ['FOO', 'get', '']) t.equal(verdict({ method }), '501 FL_METHOD_UNKNOWN')
  t.equal(verdict({ version: '0.9' }), '505 FL_VERSION_UNSUPPORTED')
  const withoutStream = Object.assign(requestOf({}), { httpVersionMajor: 2 })
  t.throws(() => new RequestHead(withoutStream, '/', RULES), { statusCode: 505, code: 'FL_VERSION_UNSUPPORTED' })
})

t.test('the target keeps to the rules for targets', async (t) => {
  t.equal(read({ url: '/a%2Fb?c' }).target, '/a%2Fb?c')
  t.equal(verdict({ url: '/../a' }), '400 FL_PATH_AMBIGUOUS')
  t.equal(verdict({ url: '/../a' }, { pathPolicy: 'pass' }), 'taken')
  t.equal(verdict({ url: '/a#b' }), '400 FL_TARGET_INVALID')
  t.equal(verdict({ url: `/${'a'.repeat(64)}` }, { maxTargetBytes: 64 }), '414 FL_TARGET_TOO_LONG')
})

t.test('a head with more fields than the rules allow is refused; the pseudo-fields of HTTP/2 are not counted', async (t) => {
  const fields = Array.from({ length: 7 }, (_, i) => `x-${i}: ${i}`)
  t.equal(verdict({ fields }, { maxFields: 8 }), 'taken')
  t.equal(verdict({ fields: [...fields, 'x-7: 7'] }, { maxFields: 8 }), '431 FL_HEAD_TOO_LARGE')
  const pseudo = [':method: GET', ':scheme: https', ':path: /', ':authority: shop.example']
  t.equal(verdict({ version: '2.0', fields: [...pseudo, ...fields] }, { maxFields: 7 }), 'taken')
  t.equal(verdict({ version: '2.0', fields: [...pseudo, ...fields] }, { maxFields: 6 }), '431 FL_HEAD_TOO_LARGE')
})

t.test('a head with more bytes of fields than the rules allow is refused: names, values and four bytes for each line', async (t) => {
  const lines = ['host: a', `x-long: ${'x'.repeat(100)}`, 'x_dropped: 1']
  const bytes = `${lines.join('\r\n')}\r\n`.length
  t.equal(verdict({ fields: lines.slice(1) }, { maxFieldBytes: bytes }), 'taken')
  t.equal(verdict({ fields: lines.slice(1) }, { maxFieldBytes: bytes - 1 }), '431 FL_HEAD_TOO_LARGE')
})
