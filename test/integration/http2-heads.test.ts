/** Heads of requests of HTTP/2 that are large, or no request's: what is not much too large is told why it is refused. */
import {
  answer, codeOf, ErrorCode, fieldValues, FrameType, type Gateway, type GatewayOptions, headersFrame, http2Call, type Http2CallOptions, type Http2Scenario, http2Scenario,
  openStream, parseObject, requestFieldsOf, type ScriptedOrigin, statusIn, until, wholeAnswer
} from '../helper.ts'

const LIMITS = { MAX_HEADERS: '20', MAX_HEADER_BYTES: '2000', MAX_TARGET_BYTES: '1500' } as const

/** Of each field, as in HTTP/1.1: colon, blank, CR and LF. */
const LINE_OVERHEAD_BYTES = 4

interface Limited {
  readonly origin: ScriptedOrigin
  readonly gateway: Gateway
  /** Sends a request in the session, and tells status and code of the refusal. */
  readonly ask: (options: Http2CallOptions) => Promise<string>
}

async function limited (s: Http2Scenario, options: GatewayOptions = { env: LIMITS }): Promise<Limited> {
  const origin = await s.scripted('a', answer({ body: 'a' }))
  const gateway = await s.gateway([origin], options)
  const session = await s.session(gateway)
  return {
    origin,
    gateway,
    ask: async (asked) => {
      const { status, text } = await http2Call(session, asked)
      return status === 200 ? '200' : `${status} ${String(parseObject(text)['code'])}`
    }
  }
}

/** So many fields. */
function fieldsOf (count: number): string[] {
  return Array.from({ length: count }, (_, i) => [`x-${i}`, 'v']).flat()
}

/** A field that is counted as so many bytes. */
function fieldOf (bytes: number): string[] {
  return ['x-large', 'v'.repeat(bytes - 'x-large'.length - LINE_OVERHEAD_BYTES)]
}

http2Scenario('as many fields, bytes of fields, and bytes of a target as are allowed: pseudo-fields take none of it away', async (s, t) => {
  const { ask, origin } = await limited(s)
  t.equal(await ask({ fields: fieldsOf(20) }), '200')
  t.equal(await ask({ fields: fieldOf(2_000) }), '200')
  t.equal(await ask({ path: `/${'p'.repeat(1_499)}` }), '200')
  t.equal(await ask({ path: `/${'p'.repeat(1_499)}`, fields: [...fieldOf(1_800), ...fieldsOf(19).map((text) => text.slice(0, 3))] }), '200')
  t.equal(origin.requests.length, 4)
})

const TOO_LARGE: ReadonlyArray<readonly [what: string, expected: string, options: readonly Http2CallOptions[]]> = [
  ['more fields than MAX_HEADERS', '431 FL_HEAD_TOO_LARGE', [21, 30, 40].map((count) => ({ fields: fieldsOf(count) }))],
  ['more bytes of fields than MAX_HEADER_BYTES', '431 FL_HEAD_TOO_LARGE', [2_001, 3_000, 3_800].map((bytes) => ({ fields: fieldOf(bytes) }))],
  ['a target longer than MAX_TARGET_BYTES', '414 FL_TARGET_TOO_LONG', [1_500, 2_000, 2_999].map((length) => ({ path: `/${'p'.repeat(length)}` }))]
]

for (const [what, expected, requests] of TOO_LARGE) {
  http2Scenario(`${what}: ${expected}, up to twice the limit, and the session goes on`, async (s, t) => {
    const { ask, origin, gateway } = await limited(s)
    for (const options of requests) t.equal(await ask(options), expected)
    for (const options of requests) t.equal(await ask({ ...options, method: 'POST', body: 'body' }), expected, 'with a body')
    t.equal(origin.requests.length, 0)
    const [status, code] = expected.split(' ')
    t.match((await gateway.logs.wait('request', 6)).map((line) => line['status']), Array(6).fill(Number(status)))
    t.equal(gateway.logs.lines.filter((line) => line['code'] === code).length, 6)
    t.equal(await ask({}), '200')
  })
}

http2Scenario('a head that is far too large has its stream reset, and the session goes on', async (s, t) => {
  const { gateway, origin } = await limited(s)
  const session = await s.session(gateway)
  for (const options of [{ fields: fieldsOf(1_000) }, { fields: fieldOf(20_000) }, { path: `/${'p'.repeat(20_000)}` }]) {
    await t.rejects(wholeAnswer(openStream(session, options)))
  }
  t.equal((await http2Call(session)).text, 'a')
  t.equal(origin.requests.length, 1)
})

http2Scenario('the default limits: 100 fields are fine, 101 are not', async (s, t) => {
  const { ask } = await limited(s, {})
  t.equal(await ask({ fields: fieldsOf(100) }), '200')
  t.equal(await ask({ fields: fieldsOf(101) }), '431 FL_HEAD_TOO_LARGE')
  t.equal(await ask({ path: `/${'p'.repeat(8_191)}`, fields: fieldOf(16_384) }), '200')
  t.equal(await ask({ path: `/${'p'.repeat(8_192)}` }), '414 FL_TARGET_TOO_LONG')
  t.equal(await ask({ fields: fieldOf(16_385) }), '431 FL_HEAD_TOO_LARGE')
})

http2Scenario('cookies in a field each are one field, but not without bytes', async (s, t) => {
  const { ask, origin } = await limited(s)
  const crumbs = Array.from({ length: 120 }, (_, i) => `c${i}=1`)
  t.equal(await ask({ fields: [...fieldsOf(19), ...crumbs.flatMap((crumb) => ['cookie', crumb])] }), '200')
  const head = origin.requests[0]?.head
  t.same(head === undefined ? [] : fieldValues(head, 'cookie'), [crumbs.join('; ')])
  t.equal(await ask({ fields: [...fieldsOf(20), ...crumbs.slice(0, 10).flatMap((crumb) => ['cookie', crumb])] }), '431 FL_HEAD_TOO_LARGE')
  t.equal(await ask({ fields: Array.from({ length: 40 }, (_, i) => ['cookie', `c${i}=${'1'.repeat(40)}`]).flat() }), '431 FL_HEAD_TOO_LARGE')
})

http2Scenario('CONNECT: 405 with what is allowed, a line of the log, and the session goes on', async (s, t) => {
  const { gateway, origin } = await limited(s)
  const session = await s.session(gateway)
  const stream = session.request({ ':method': 'CONNECT', ':authority': 'other.test:443' })
  stream.on('error', () => {})
  const { status, headers, text } = await wholeAnswer(stream)
  const { statusCode, code, error, message } = parseObject(text)
  t.strictSame([status, statusCode, code, error, typeof message], [405, 405, 'FL_METHOD_NOT_ALLOWED', 'Method Not Allowed', 'string'])
  t.match(headers, { 'content-type': /^application\/json/, 'content-length': String(text.length), allow: /\bGET\b.*\bPOST\b/ })
  t.notMatch(headers, { allow: /CONNECT|TRACE/ })
  t.match(gateway.logs.lines.filter((line) => line['code'] === 'FL_METHOD_NOT_ALLOWED'), [{ level: 40, status: 405, client: '127.0.0.1' }])
  t.equal((await http2Call(session)).text, 'a')
  t.equal(origin.requests.length, 1)
})

http2Scenario('a CONNECT that goes on to send bytes for its tunnel is answered and ended all the same', async (s, t) => {
  const { gateway, origin } = await limited(s)
  const wire = await s.wire(gateway)
  wire.send(headersFrame(1, [':method', 'CONNECT', ':authority', 'other.test:443'], false))
  await wire.streamEnd(1)
  t.match(parseObject(wire.bodyOf(1)), { statusCode: 405, code: 'FL_METHOD_NOT_ALLOWED' })
  wire.send(headersFrame(3, requestFieldsOf('/'), true))
  await wire.streamEnd(3)
  const head = await wire.wait({ type: FrameType.headers, stream: 3 })
  t.equal(statusIn(head), 200)
  t.equal(origin.requests.length, 1)
  await until('nothing is in flight', () => gateway.inFlight === 0)
})

http2Scenario('an extended CONNECT is no request at all: it was not offered', async (s, t) => {
  const { gateway, origin } = await limited(s)
  const wire = await s.wire(gateway)
  wire.send(headersFrame(1, [':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'http', ':authority', 'a', ':path', '/'], false))
  const end = await wire.streamEnd(1)
  t.same([end.type, codeOf(end)], [FrameType.rstStream, ErrorCode.protocolError])
  t.equal(origin.requests.length, 0)
})

http2Scenario('many small fields within all limits are served, though HTTP/2 counts 32 bytes more of each', async (s, t) => {
  const { ask } = await limited(s, { env: { MAX_HEADERS: '300', MAX_HEADER_BYTES: '4000', MAX_TARGET_BYTES: '100' } })
  // The limits of HTTP/2 hold from the first answer on.
  t.equal(await ask({}), '200')
  t.equal(await ask({ fields: fieldsOf(290) }), '200')
})
