import t, { type Test } from 'tap'
import { MAX_RESPONSE_HEAD_BYTES, ResponseParser } from '../../src/wire/response-parser.ts'
import { type NodeResponse, readByNode } from './node-client.ts'
import { makeUp, seeded } from './random-responses.ts'
import { type Recorded, record, type RecordOptions } from './recorder.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`

/** What is said of a response where only its outcome matters. */
interface Expected {
  readonly body?: string
  readonly trailers?: readonly string[]
  readonly statusCode?: number
  readonly provisional?: readonly number[]
  /** What comes behind the response. */
  readonly surplus?: string
}

function bytesOf (text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Reads a text as a whole, byte by byte, and cut in two at each place: all must come to the same. */
function read (t: Test, text: string, options: RecordOptions = {}): Recorded {
  const bytes = bytesOf(text)
  const whole = record([bytes], options)
  const cuts = Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)])
  for (const parts of [Array.from(bytes, (byte) => Buffer.of(byte)), ...cuts]) {
    const recorded = record(parts, options)
    if (JSON.stringify(recorded) !== JSON.stringify(whole)) t.strictSame(recorded, whole, `in parts: ${JSON.stringify(parts.map(String))}`)
  }
  return whole
}

const WHOLE: ReadonlyArray<readonly [text: string, expected: Expected, options?: RecordOptions]> = [
  [`${OK}content-length: 0\r\n\r\n`, {}],
  [`${OK}content-length: 5\r\n\r\nhello`, { body: 'hello' }],
  [`${OK}content-length: 5\r\n\r\nhello and more`, { body: 'hello', surplus: ' and more' }],
  [`${OK}content-length: 4\r\n\r\n\r\n\r\n`, { body: '\r\n\r\n' }],
  [`${OK}content-length: 3\r\n\r\n\x00\xff\n`, { body: '\x00\xff\n' }],
  [`${CHUNKED}0\r\n\r\n`, {}],
  [`${CHUNKED}5\r\nhello\r\n6;x\r\n world\r\n0\r\n\r\n`, { body: 'hello world' }],
  [`${CHUNKED}1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n`, { body: 'a', trailers: ['x-sum', '1', 'x-sum', '2'] }],
  [`${CHUNKED}1\r\na\r\n0\r\nX: y\r\n\r\nsurplus`, { body: 'a', trailers: ['x', 'y'], surplus: 'surplus' }],
  ['HTTP/1.1 204 No Content\r\n\r\n', { statusCode: 204 }],
  ['HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc', { statusCode: 204, surplus: 'abc' }],
  ['HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n', { statusCode: 304 }],
  [`${OK}content-length: 3\r\n\r\nabc`, { surplus: 'abc' }, { method: 'HEAD' }],
  [`${CHUNKED}0\r\n\r\n`, { surplus: '0\r\n\r\n' }, { method: 'HEAD' }],
  ['HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nfirst', { statusCode: 101, surplus: 'first' }],
  [`HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${OK}content-length: 1\r\n\r\na`, { provisional: [103], body: 'a' }],
  [`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102\r\n\r\nHTTP/1.1 199 x\r\n\r\n${OK}content-length: 1\r\n\r\na`, { provisional: [100, 102, 199], body: 'a' }],
  [`${OK}content-length: 0\r\n\r\n${OK}content-length: 0\r\n\r\n`, { surplus: `${OK}content-length: 0\r\n\r\n` }],
  [`${OK}\r\nup to the end`, { body: 'up to the end' }, { ends: true }],
  [`${OK}\r\n`, {}, { ends: true }],
  ['HTTP/1.0 200 OK\r\n\r\n\r\n\r\n', { body: '\r\n\r\n' }, { ends: true }]
]

t.test('a response is told as a whole, and what lies behind it is not touched', async (t) => {
  for (const [text, { body = '', trailers = [], statusCode = 200, provisional = [], surplus = '' }, options] of WHOLE) {
    const name = JSON.stringify(text)
    const recorded = read(t, text, options)
    t.match(recorded, { state: 'whole', body, trailers, head: { statusCode } }, name)
    t.strictSame(recorded.provisional.map((head) => head.statusCode), provisional, name)
    t.equal(text.slice(recorded.taken), surplus, name)
  }
})

t.test('a response of which the last byte is missing is not whole, even when the connection ends', async (t) => {
  for (const [text, { surplus = '' }, options] of WHOLE) {
    if (options?.ends === true) continue
    const missing = text.slice(0, text.length - surplus.length - 1)
    t.equal(read(t, missing, options).state, 'more', JSON.stringify(missing))
    t.equal(record([bytesOf(missing)], { ...options, ends: true }).state, 'more', 'with the end of the connection')
  }
  t.equal(record([bytesOf(`${OK}\r\nbody`)]).state, 'more', 'a body up to the end without the end')
  for (const text of ['', 'H', OK, `HTTP/1.1 103 Early Hints\r\n\r\n`]) t.equal(record([bytesOf(text)], { ends: true }).state, 'more', JSON.stringify(text))
})

t.test('what could be read in two ways is refused, wherever the reads are cut', async (t) => {
  const texts = [
    // Heads; the rules are those of response-head and fields.
    'HTTP/1.1 20 OK\r\n\r\n', 'HTTP/2 200\r\n\r\n', `\r\n${OK}\r\n`, ' HTTP/1.1 200 OK\r\n\r\n', `${OK}no colon\r\n\r\n`, `${OK}x: a\r\n b\r\n\r\n`, `${OK}x: a\n\r\n\r\n`,
    `${OK}x: a\n\n`, 'HTTP/1.1 200 OK\n\n', `${OK}x: \x00\r\n\r\n`, `${OK}content-length: 1\r\ncontent-length: 1\r\n\r\na`, `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
    `${OK}transfer-encoding: gzip\r\n\r\n`, 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    // Behind a provisional answer.
    'HTTP/1.1 103 x\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 103 x\r\ncontent-length: x\r\n\r\n', 'HTTP/1.1 100 x\r\n\r\n0\r\n\r\n',
    // Chunks; the rules are those of chunked-decoder.
    `${CHUNKED}x\r\n`, `${CHUNKED}\r\n`, `${CHUNKED}1\r\nab\r\n`, `${CHUNKED}1 \r\na\r\n`, `${CHUNKED}1\r\na\r\n0\r\nno colon\r\n\r\n`, `${CHUNKED}0\r\nx: \x01\r\n\r\n`
  ]
  for (const text of texts) t.equal(read(t, text).state, 'fault', JSON.stringify(text))
})

t.test('what was told before a fault stays told', async (t) => {
  t.match(record([bytesOf(`${CHUNKED}2\r\nab\r\nx`)]), { state: 'fault', head: { statusCode: 200 }, body: 'ab' })
})

t.test('rubbish is refused at once, not when its head is whole', async (t) => {
  for (const text of ['x', 'HTTP/2', 'HTTX', 'SSH-2.0-x', '\r', '\n', '\x16\x03\x01', `${OK}x\n`, `${OK}x: \x00`, 'HTTP/1.1 200 OK\rx']) {
    t.equal(record([bytesOf(text)]).state, 'fault', JSON.stringify(text))
    t.equal(record(Array.from(bytesOf(text), (byte) => Buffer.of(byte))).state, 'fault', `${JSON.stringify(text)}, byte by byte`)
  }
  for (const text of ['H', 'HTTP/1.', 'HTTP/1.1 200 OK\r', `${OK}x: y\r`]) t.equal(record([bytesOf(text)]).state, 'more', JSON.stringify(text))
})

t.test('a head may take 64 KiB, its empty line included', async (t) => {
  const head = (bytes: number): Buffer => bytesOf(`${OK}content-length: 0\r\nx: ${'y'.repeat(bytes - OK.length - 26)}\r\n\r\n`)
  const largest = head(MAX_RESPONSE_HEAD_BYTES)
  t.equal(largest.length, 65_536)
  t.equal(record([largest]).state, 'whole')
  t.equal(record([largest.subarray(0, 1_000), largest.subarray(1_000, 40_000), largest.subarray(40_000)]).state, 'whole', 'in parts')
  t.equal(record([head(MAX_RESPONSE_HEAD_BYTES + 1)]).state, 'fault')
  t.equal(record([head(MAX_RESPONSE_HEAD_BYTES + 1).subarray(0, MAX_RESPONSE_HEAD_BYTES)]).state, 'fault', 'though its end has not come')
  t.equal(record([bytesOf('HTTP/1.1 103 x\r\n\r\n'), largest]).state, 'whole', 'provisional answers do not count')
})

t.test('of 32 provisional answers none is one too many', async (t) => {
  const text = (count: number): string => `${'HTTP/1.1 103 x\r\n\r\n'.repeat(count)}${OK}content-length: 0\r\n\r\n`
  t.match(record([bytesOf(text(32))]), { state: 'whole', provisional: { length: 32 } })
  t.equal(record([bytesOf(text(33))]).state, 'fault')
})

t.test('data that fills a read is told as it was read, without a copy', async (t) => {
  const told: Buffer[] = []
  const parser = new ResponseParser({ onInformation () {}, onHead () {}, onBody: (data) => { told.push(data) } })
  parser.begin({ method: 'GET' })
  parser.execute(bytesOf(`${OK}content-length: 6\r\n\r\n`))
  const [part, last] = [bytesOf('abcd'), bytesOf('efgh')]
  t.equal(parser.execute(part), 4)
  t.equal(parser.execute(last), 2)
  t.equal(told[0], part)
  t.equal(told[1]?.buffer, last.buffer)
  t.equal(String(told[1]), 'ef')
})

t.test('it can read one response after the other, each by its request', async (t) => {
  const heads: number[] = []
  const parser = new ResponseParser({ onInformation () {}, onHead: ({ statusCode }) => { heads.push(statusCode) }, onBody () {} })
  t.ok(parser.isDone, 'nothing was asked')
  const rounds: ReadonlyArray<readonly [method: string, text: string]> = [
    ['GET', `${CHUNKED}1\r\na\r\n0\r\nx: y\r\n\r\n`],
    ['HEAD', `${OK}content-length: 5\r\n\r\n`],
    ['GET', `${'HTTP/1.1 103 x\r\n\r\n'.repeat(32)}HTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\na`],
    ['GET', `${'HTTP/1.1 103 x\r\n\r\n'.repeat(32)}HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n`]
  ]
  for (const [method, text] of rounds) {
    parser.begin({ method })
    t.notOk(parser.isDone)
    t.strictSame(parser.trailers, [], 'no trailers of an earlier response')
    t.equal(parser.execute(bytesOf(text)), text.length)
    t.ok(parser.isDone)
  }
  t.strictSame(heads, [200, 200, 201, 404])
})

t.test('a new response begins anew, whatever came of the one before', async (t) => {
  const parser = new ResponseParser({ onInformation () {}, onHead () {}, onBody () {} })
  for (const broken of ['HTTP/1.1 20', `${OK}content-length: 5\r\n\r\na`, `${CHUNKED}5\r\na`]) {
    parser.begin({ method: 'GET' })
    parser.execute(bytesOf(broken))
    parser.begin({ method: 'GET' })
    t.notOk(parser.isWithinHead)
    parser.execute(bytesOf(`${OK}content-length: 0\r\n\r\n`))
    t.ok(parser.isDone, JSON.stringify(broken))
  }
})

t.test('whether a part of a head has come is told', async (t) => {
  const parser = new ResponseParser({ onInformation () {}, onHead () {}, onBody () {} })
  parser.begin({ method: 'GET' })
  const steps: ReadonlyArray<readonly [text: string, isWithinHead: boolean]> = [
    ['', false], ['HTTP/1.1', true], [' 103 x\r\n\r\n', false], [OK, true], ['content-length: 3\r\n\r\nab', false], ['c', false]
  ]
  for (const [text, isWithinHead] of steps) {
    parser.execute(bytesOf(text))
    t.equal(parser.isWithinHead, isWithinHead, JSON.stringify(text))
  }
})

t.test('a sink that throws is no fault of the message', async (t) => {
  const parser = new ResponseParser({ onInformation () {}, onHead () { throw new TypeError('a bug') }, onBody () {} })
  parser.begin({ method: 'GET' })
  t.throws(() => parser.execute(bytesOf(`${OK}\r\n`)), TypeError)
})

/** Where Node's client refuses what is taken here: of no consequence, since extensions and such trailers end here. */
const NODE_IS_STRICTER = [
  `${CHUNKED}1;\r\na\r\n0\r\n\r\n`,
  `${CHUNKED}1; a\r\na\r\n0\r\n\r\n`,
  `${CHUNKED}1;a=\xe9\r\na\r\n0\r\n\r\n`,
  `${CHUNKED}1;a="b\r\na\r\n0\r\n\r\n`,
  `${CHUNKED}1;,\r\na\r\n0\r\n\r\n`,
  `${CHUNKED}0\r\nContent-Length: 1\r\n\r\n`
]

/** Where Node's client takes what is refused here. */
const NODE_IS_LAXER = [
  'HTTP/2.0 200 OK\r\n\r\n', 'HTTP/0.9 200 OK\r\n\r\n', 'HTTP/1.1 000 OK\r\n\r\n', `\r\n${OK}\r\n`, `\n${OK}\r\n`, 'HTTP/1.1 200 O\x00K\r\n\r\n', 'HTTP/1.1 200 O\x7fK\r\n\r\n',
  `${OK}Content-Length: 00000000000000000001\r\n\r\na`, `${OK}Transfer-Encoding: gzip\r\n\r\na`, `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', `${CHUNKED}00000000000000000001\r\na\r\n0\r\n\r\n`, `${OK}${'a: b\r\n'.repeat(1_001)}\r\n`
]

t.test('where Node\'s client is known to differ, it does', async (t) => {
  for (const text of NODE_IS_STRICTER) {
    t.equal(record([bytesOf(text)]).state, 'whole', JSON.stringify(text))
    t.type(await readByNode(bytesOf(text), 'GET'), 'string', `Node refuses ${JSON.stringify(text)}`)
  }
  for (const text of NODE_IS_LAXER) {
    t.equal(record([bytesOf(text)], { ends: true }).state, 'fault', JSON.stringify(text.slice(0, 80)))
    t.type(await readByNode(bytesOf(text), 'GET'), 'object', `Node takes ${JSON.stringify(text.slice(0, 80))}`)
  }
})

t.test('what is taken of random responses, good and broken, Node\'s client reads in the same way', async (t) => {
  const random = seeded(20_260_107)
  const counts = { whole: 0, more: 0, fault: 0 }
  for (let i = 0; i < 4_000; i++) {
    const { method, bytes } = makeUp(random)
    const ours = record([bytes], { method, ends: true })
    counts[ours.state]++
    if (ours.state !== 'whole') continue
    const nodes = await readByNode(bytes.subarray(0, ours.taken), method)
    if (!isStricterByHabit(ours, nodes)) sameOrFail(t, ours, nodes, `${method} ${JSON.stringify(bytes.toString('latin1'))}`)
  }
  t.ok(counts.whole > 1_500 && counts.fault > 1_000 && counts.more > 20, JSON.stringify(counts))
})

t.test('random responses come to the same wherever the reads are cut', async (t) => {
  const random = seeded(7)
  for (let i = 0; i < 400; i++) {
    const { method, bytes } = makeUp(random)
    read(t, bytes.toString('latin1'), { method })
    read(t, bytes.toString('latin1'), { method, ends: true })
  }
  t.pass('none differed')
})

/** Whether Node refused for one of the reasons in NODE_IS_STRICTER. */
function isStricterByHabit ({ head, trailers }: Recorded, nodes: NodeResponse | string): boolean {
  if (typeof nodes !== 'string' || head?.framing !== 'chunked') return false
  return nodes.includes('Invalid character in chunk extensions') || (nodes.includes('Content-Length can\'t be present') && trailers.includes('content-length'))
}

/** Only a difference is told: a pass each would be thousands. */
function sameOrFail (t: Test, ours: Recorded, nodes: NodeResponse | string, name: string): void {
  const expected = typeof nodes === 'string' ? nodes : {
    provisional: nodes.provisional,
    statusCode: nodes.statusCode,
    statusText: nodes.statusText,
    fields: relayed(nodes.statusCode, nodes.fields),
    body: nodes.body,
    trailers: nodes.trailers.map((text, index) => index % 2 === 0 ? text.toLowerCase() : text)
  }
  const told = {
    provisional: ours.provisional.map(({ statusCode }) => statusCode),
    statusCode: ours.head?.statusCode,
    statusText: ours.head?.statusText,
    fields: ours.head?.fields,
    body: ours.body,
    trailers: ours.trailers
  }
  if (JSON.stringify(told) !== JSON.stringify(expected)) t.strictSame(told, expected, name)
}

/** What should go on of the fields that Node read. */
function relayed (statusCode: number, rawHeaders: readonly string[]): string[] {
  const pairs = rawHeaders.flatMap((name, index) => index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as const] : [])
  const named = pairs.filter(([name]) => name === 'connection').flatMap(([, value]) => value.toLowerCase().split(',').map((one) => one.trim()))
  const ending = new Set([
    ...named.filter((name) => name !== 'content-length'), 'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
    'transfer-encoding', 'upgrade', ...(statusCode < 200 || statusCode === 204 ? ['content-length'] : [])
  ])
  return pairs.filter(([name]) => !ending.has(name)).flat()
}
