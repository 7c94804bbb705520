/** Clients of HTTP/2 that break the protocol, or strain it: each hurts itself alone. */
import {
  answer, codeOf, dataFrame, ErrorCode, fieldBlock, fieldValues, Flag, frame, FrameType, type Gateway, headersFrame, http2Call, type Http2Scenario, http2Scenario,
  type Http2Wire, requestFieldsOf, type ScriptedOrigin, settingsFrame, statusIn, until, windowFrame
} from '../helper.ts'

const MIB = 1024 * 1024

/** What a flood may make the process hold for good, in bytes. */
const HELD_LIMIT_BYTES = 64 * MIB

/** The largest payload that may be sent unasked. */
const MAX_FRAME_BYTES = 16_384

const GET = requestFieldsOf('/broken')

interface Arranged {
  readonly origin: ScriptedOrigin
  readonly gateway: Gateway
  readonly wire: Http2Wire
}

async function arrange (s: Http2Scenario): Promise<Arranged> {
  const origin = await s.scripted('a', answer({ body: 'a' }))
  const gateway = await s.gateway([origin])
  const wire = await s.wire(gateway)
  await wire.settled()
  return { origin, gateway, wire }
}

/** A frame whose head lies about its length. */
function withLength (bytes: Buffer, length: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUIntBE(length, 0, 3)
  return copy
}

/** What ends the session, and nothing else. */
const BREAKS_SESSION: ReadonlyArray<readonly [what: string, bytes: Buffer]> = [
  ['rubbish', Buffer.alloc(64, 0xff)],
  ['a request of HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost: client.test\r\n\r\n')],
  ['a frame that is too large', withLength(dataFrame(1, 'x'.repeat(MAX_FRAME_BYTES + 1), true), MAX_FRAME_BYTES + 1)],
  ['DATA on stream 0', dataFrame(0, 'x', true)],
  ['DATA on a stream that was never opened', dataFrame(1, 'x', true)],
  ['HEADERS on an even stream', headersFrame(2, GET, true)],
  ['HEADERS that cannot be decoded', frame(FrameType.headers, Flag.endHeaders | Flag.endStream, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
  ['HEADERS that refer to what is in no table', frame(FrameType.headers, Flag.endHeaders | Flag.endStream, 1, Buffer.from([0xfe]))],
  ['CONTINUATION behind nothing', frame(FrameType.continuation, Flag.endHeaders, 1, fieldBlock(GET))],
  ['another frame within HEADERS', Buffer.concat([frame(FrameType.headers, 0, 1, fieldBlock(GET)), frame(FrameType.ping, 0, 0, Buffer.alloc(8))])],
  ['PUSH_PROMISE', frame(FrameType.pushPromise, Flag.endHeaders, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), fieldBlock(GET)]))],
  ['SETTINGS of half a setting', frame(FrameType.settings, 0, 0, Buffer.alloc(3))],
  ['SETTINGS on a stream', frame(FrameType.settings, 0, 1)],
  ['a window that is too large', settingsFrame([[4, 0x80000000]])],
  ['PING of the wrong length', frame(FrameType.ping, 0, 0, Buffer.alloc(7))],
  ['WINDOW_UPDATE of nothing for the connection', windowFrame(0, 0)],
  ['WINDOW_UPDATE beyond the largest window', Buffer.concat([windowFrame(0, 0x7fffffff), windowFrame(0, 0x7fffffff)])],
  ['RST_STREAM on a stream that was never opened', frame(FrameType.rstStream, 0, 1, Buffer.alloc(4))]
]

for (const [what, bytes] of BREAKS_SESSION) {
  http2Scenario(`${what} ends the session of its sender alone`, async (s, t) => {
    const { origin, gateway, wire } = await arrange(s)
    const other = await s.session(gateway)
    wire.send(bytes)
    t.not(codeOf(await wire.wait({ type: FrameType.goaway })), ErrorCode.noError)
    await wire.ended
    await until('one client is left', () => gateway.app.intake.size === 1)
    t.equal(origin.requests.length, 0)
    t.equal((await http2Call(other)).text, 'a')
    t.equal((await http2Call(await s.session(gateway))).text, 'a')
  })
}

/** Requests that are malformed (RFC 9113, section 8.1.1): the stream is reset, or the request refused; no backend hears of it. */
const BREAKS_STREAM: ReadonlyArray<readonly [what: string, fields: readonly string[]]> = [
  ['a name in upper case', [...GET, 'X-Upper', '1']],
  ['Connection', [...GET, 'connection', 'close']],
  ['Keep-Alive', [...GET, 'keep-alive', 'timeout=5']],
  ['Transfer-Encoding', [...GET, 'transfer-encoding', 'chunked']],
  ['Upgrade', [...GET, 'upgrade', 'websocket']],
  ['TE other than trailers', [...GET, 'te', 'gzip']],
  ['a pseudo-field behind the others', [':method', 'GET', ':scheme', 'http', ':authority', 'a', 'x-field', '1', ':path', '/']],
  ['a pseudo-field that does not exist', [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', '/', ':more', '1']],
  ['a pseudo-field of answers', [':status', '200', ...GET]],
  ['two :path', [...GET, ':path', '/other']],
  ['two :method', [':method', 'GET', ...GET]],
  ['no :path', [':method', 'GET', ':scheme', 'http', ':authority', 'a']],
  ['an empty :path', [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', '']],
  ['no :method', [':scheme', 'http', ':authority', 'a', ':path', '/']],
  ['no :scheme', [':method', 'GET', ':authority', 'a', ':path', '/']],
  ['a :path without a slash', [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', 'path']],
  ['a :path with a blank', requestFieldsOf('/a b')],
  ['a :path with a line of its own', requestFieldsOf('/a HTTP/1.1\r\nx-smuggled: 1')],
  ['a :path of another host', [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', 'http://other.test/']],
  ['a :path of another host, with a scheme of its own', [':method', 'GET', ':scheme', 'ftp', ':authority', 'a', ':path', 'http://other.test/']],
  ['a :method with a blank', [':method', 'GET /x', ':scheme', 'http', ':authority', 'a', ':path', '/']],
  ['an :authority with a user', [':method', 'GET', ':scheme', 'http', ':authority', 'user@a', ':path', '/']],
  ['an :authority that is none', [':method', 'GET', ':scheme', 'http', ':authority', 'a b', ':path', '/']],
  ['two hosts', [':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'a', 'host', 'b']],
  ['neither :authority nor Host', [':method', 'GET', ':scheme', 'http', ':path', '/']],
  ['two lengths', [':method', 'POST', ...GET.slice(2), 'content-length', '0', 'content-length', '5']],
  ['a length that is none', [':method', 'POST', ...GET.slice(2), 'content-length', '+0']],
  ['a length without a body', [':method', 'POST', ...GET.slice(2), 'content-length', '5']],
  ['CONNECT', [':method', 'CONNECT', ':authority', 'other.test:443']],
  ['an extended CONNECT', [':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'http', ':authority', 'a', ':path', '/']]
]

/** Fields that are none: the request may go on without them. */
const NO_FIELDS: ReadonlyArray<readonly [what: string, name: string, value: string]> = [
  ['a name with a blank', 'x name', 'bad'],
  ['a name with a colon', 'x:name', 'bad'],
  ['a name with a line of its own', 'x: 1\r\nx-bad', 'bad'],
  ['an empty name', '', 'bad'],
  ['a CR LF in a value', 'x-split', 'a\r\nx-bad: bad'],
  ['a lone CR in a value', 'x-split', 'a\rbad'],
  ['a NUL in a value', 'x-nul', 'a\0bad']
]

http2Scenario('fields that are none never reach a backend', async (s, t) => {
  const { origin, wire } = await arrange(s)
  for (const [index, [what, name, value]] of NO_FIELDS.entries()) {
    const stream = index * 2 + 1
    wire.send(headersFrame(stream, [...GET, name, value, 'x-good', '1'], true))
    await wire.streamEnd(stream)
    t.notOk(origin.requests.some(({ head }) => head.raw.includes('bad') || head.raw.includes('\0')), what)
  }
})

http2Scenario('malformed requests are refused one by one: no backend hears of them, and the session goes on', async (s, t) => {
  const { origin, wire } = await arrange(s)
  let stream = 1
  for (const [what, fields] of BREAKS_STREAM) {
    wire.send(headersFrame(stream, fields, true))
    const end = await wire.streamEnd(stream)
    const head = wire.of(stream).find(({ type }) => type === FrameType.headers)
    t.ok(end.type === FrameType.rstStream || (head !== undefined && statusIn(head) !== 200), what)
    t.same(origin.requests.map(({ target }) => target), [], what)
    stream += 2
  }
  wire.get(stream, '/good')
  await wire.streamEnd(stream)
  t.equal(wire.bodyOf(stream), 'a')
})

http2Scenario('a Host takes the place of an :authority that is missing', async (s, t) => {
  const { origin, wire } = await arrange(s)
  wire.send(headersFrame(1, [':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'other.test'], true))
  await wire.streamEnd(1)
  t.same(origin.requests.map(({ head }) => fieldValues(head, 'host')), [['other.test']])
})

for (const [what, length, sent] of [['less', 10, 5], ['more', 5, 10], ['less, streamed', 200_000, 100_000]] as const) {
  http2Scenario(`a body of ${what} than its content-length never looks whole to a backend`, async (s, t) => {
    let whole: Buffer | undefined
    const { origin, wire, gateway } = await arrange(s)
    origin.script = [async ({ request }) => { whole = await request.body() }]
    wire.send(headersFrame(1, requestFieldsOf('/', ['content-length', String(length)], 'POST'), false))
    for (let left: number = sent; left > 0; left -= MAX_FRAME_BYTES) {
      // The window of a stream is 64 KiB, and grows as the gateway reads.
      await until('the window is open', () => left > sent - 65_000 || wire.of(1).some(({ type }) => type === FrameType.windowUpdate))
      wire.send(dataFrame(1, 'x'.repeat(Math.min(left, MAX_FRAME_BYTES)), left <= MAX_FRAME_BYTES))
    }
    const isOver = (): boolean => wire.reader.ending !== undefined || wire.frames.some(({ type }) => type === FrameType.rstStream)
    await until('the stream is reset, or the session is over', isOver)
    t.same(wire.of(1).filter(({ type }) => type === FrameType.headers), [], 'it is not answered')
    await until('nothing is left of it', () => gateway.inFlight === 0 && origin.connections === 0)
    t.equal(whole, undefined)
  })
}

http2Scenario('frames of a kind that nobody knows are passed over', async (s, t) => {
  const { wire } = await arrange(s)
  wire.send(frame(0x42, 0xff, 0, Buffer.alloc(100)), frame(0x43, 0, 1, Buffer.alloc(0)), frame(FrameType.priority, 0, 1, Buffer.from([0, 0, 0, 0, 16])))
  wire.get(1, '/')
  await wire.streamEnd(1)
  t.equal(wire.bodyOf(1), 'a')
})

http2Scenario('a head in pieces is put together', async (s, t) => {
  const { wire } = await arrange(s)
  const block = fieldBlock([...GET, 'x-long', 'y'.repeat(4_000)])
  wire.send(frame(FrameType.headers, Flag.endStream, 1, block.subarray(0, 10)))
  for (let at = 10; at < block.length; at += 1_000) wire.send(frame(FrameType.continuation, at + 1_000 >= block.length ? Flag.endHeaders : 0, 1, block.subarray(at, at + 1_000)))
  await wire.streamEnd(1)
  t.equal(wire.bodyOf(1), 'a')
})

const field = fieldBlock(['x-flood', 'y'.repeat(100)])

/** Frames sent over and over; `first` goes before them. Those in `ends` cost the sender its session. */
const FLOODS: ReadonlyArray<{ readonly what: string, readonly first?: Buffer, readonly each: Buffer, readonly count: number, readonly ends: boolean }> = [
  { what: 'CONTINUATION', first: frame(FrameType.headers, 0, 1, fieldBlock(GET)), each: frame(FrameType.continuation, 0, 1, field), count: 20_000, ends: true },
  { what: 'empty CONTINUATION', first: frame(FrameType.headers, 0, 1, fieldBlock(GET)), each: frame(FrameType.continuation, 0, 1), count: 20_000, ends: true },
  { what: 'SETTINGS', each: settingsFrame([[4, 65_535]]), count: 500_000, ends: true },
  { what: 'PING', each: frame(FrameType.ping, 0, 0, Buffer.alloc(8)), count: 500_000, ends: true },
  { what: 'empty DATA', first: headersFrame(1, requestFieldsOf('/', [], 'POST'), false), each: dataFrame(1, '', false), count: 100_000, ends: false },
  { what: 'WINDOW_UPDATE', each: windowFrame(0, 1), count: 100_000, ends: false },
  { what: 'PRIORITY', each: frame(FrameType.priority, 0, 1, Buffer.from([0, 0, 0, 3, 16])), count: 100_000, ends: false },
  { what: 'malformed requests', each: Buffer.alloc(0), count: 2_000, ends: true }
]

for (const { what, first, each, count, ends } of FLOODS) {
  http2Scenario(`a flood of ${what} ${ends ? 'ends the session' : 'is borne'}, and others are served meanwhile`, async (s, t) => {
    const { origin, gateway, wire } = await arrange(s)
    const other = await s.session(gateway)
    const before = process.memoryUsage().rss
    // What is sent back is not read, so that it would have to be kept.
    wire.socket.pause()
    if (first !== undefined) wire.send(first)
    const batch = 1_000
    for (let sent = 0; sent < count && wire.socket.writable; sent += batch) {
      const frames = Array.from({ length: batch }, (_, i) => each.length > 0 ? each : headersFrame((sent + i) * 2 + 1, [...GET, 'X-Upper', '1'], true))
      await new Promise((resolve) => { wire.socket.write(Buffer.concat(frames), resolve) })
      if (sent % 10_000 === 0) t.equal((await http2Call(other)).text, 'a')
    }
    t.ok(process.memoryUsage().rss - before < HELD_LIMIT_BYTES, 'memory is bounded')
    wire.socket.resume()
    if (ends) await wire.ended
    await wire.leave()
    await until('nothing is left of it', () => gateway.inFlight === 0 && gateway.app.intake.size === 1)
    t.equal((await http2Call(other)).text, 'a')
    t.ok(origin.requests.every(({ method }) => method === 'GET' || what === 'empty DATA'))
  })
}
