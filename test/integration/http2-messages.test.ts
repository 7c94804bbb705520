/** Requests of HTTP/2 in detail: bodies, trailers, provisional answers, and what is refused. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import type { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import {
  after, afterBody, answer, answerInParts, type Behaviour, fieldValues, type Gateway, type GatewayOptions, http2Call, type Http2CallOptions, type Http2Scenario,
  http2Scenario, openStream, parseObject, readAll, type ScriptedOrigin, send, sendBytes, until, wholeAnswer, within
} from '../helper.ts'

const MIB = 1024 * 1024

/** What kernels, windows and the gateway may hold of a body that nobody reads, in bytes. */
const HELD_LIMIT_BYTES = 20 * MIB

interface Arranged {
  readonly origin: ScriptedOrigin
  readonly gateway: Gateway
  readonly session: ClientHttp2Session
}

/** A gateway before a scripted backend of HTTP/1.1, and a session with it. */
async function arrange (s: Http2Scenario, script: readonly Behaviour[], options: GatewayOptions = {}): Promise<Arranged> {
  const origin = await s.scripted('a', ...script)
  const gateway = await s.gateway([origin], options)
  return { origin, gateway, session: await s.session(gateway) }
}

function hashOf (body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

/** Bytes that look different everywhere. */
function patterned (length: number): Buffer {
  return Buffer.alloc(length, Buffer.from(Array.from({ length: 65_537 }, (_, i) => (i * 31 + (i >> 8)) & 0xff)))
}

/** Writes a body as fast as it is taken. */
async function pour (to: Writable, body: Buffer, onTaken: (bytes: number) => void): Promise<void> {
  for (let at = 0; at < body.length; at += 65_537) {
    const part = body.subarray(at, at + 65_537)
    await new Promise((resolve) => { to.write(part, resolve) })
    onTaken(part.length)
  }
  to.end()
}

/** Waits until a number has stopped to grow. */
async function standstill (value: () => number): Promise<void> {
  let last = -1
  while (value() !== last) {
    last = value()
    await wait(100)
  }
}

for (const hasLength of [true, false]) {
  http2Scenario(`bodies of all sizes go both ways as they are (${hasLength ? 'with' : 'without'} content-length)`, async (s, t) => {
    const origin = await s.origin('echo', (request, response) => {
      const length = request.headers['content-length']
      if (length !== undefined) response.setHeader('content-length', length)
      request.pipe(response)
    })
    const session = await s.session(await s.gateway([origin]))
    for (const length of [0, 1, 16_384, 65_535, 65_536, 65_537, 3 * MIB + 1]) {
      const body = patterned(length)
      const echo = await http2Call(session, { method: 'POST', body, ...(hasLength && { fields: ['content-length', String(length)] }) })
      t.equal(hashOf(echo.body), hashOf(body), `${length}`)
      if (length > 0) t.equal(echo.headers['content-length'], hasLength ? String(length) : undefined)
    }
    t.same(new Set(origin.requests.map(({ headers }) => headers['transfer-encoding'])), new Set([hasLength ? undefined : 'chunked']))
  })
}

http2Scenario('an upload that the backend does not read is held back at the client', async (s, t) => {
  const { promise: mayRead, resolve: letRead } = Promise.withResolvers<void>()
  const origin = await s.origin('a', (request, response) => { void mayRead.then(async () => response.end(hashOf(await readAll(request)))) })
  const session = await s.session(await s.gateway([origin]))
  const body = patterned(40 * MIB)
  const stream = openStream(session, { method: 'PUT' }, false)
  let taken = 0
  void pour(stream, body, (bytes) => { taken += bytes })
  await until('the request has arrived', () => origin.requests.length === 1)
  await standstill(() => taken)
  t.ok(taken < HELD_LIMIT_BYTES, `${taken} bytes are under way`)
  letRead()
  t.equal((await wholeAnswer(stream)).text, hashOf(body))
})

http2Scenario('an answer that the client does not read is held back at the backend, and others go on beside it', async (s, t) => {
  const body = patterned(40 * MIB)
  let written = 0
  const origin = await s.origin('a', (request, response) => {
    if (request.url === '/small') response.end('small')
    else void pour(response, body, (bytes) => { written += bytes })
  })
  const session = await s.session(await s.gateway([origin]))
  const stream = openStream(session)
  stream.pause()
  await within('the head', once(stream, 'response'))
  await standstill(() => written)
  t.ok(written < HELD_LIMIT_BYTES, `${written} bytes are under way`)
  t.equal((await http2Call(session, { path: '/small' })).text, 'small')
  t.equal(hashOf(await readAll(stream)), hashOf(body))
})

http2Scenario('trailers go both ways', async (s, t) => {
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 1\r\nX-Latin: caf\xe9\r\ncontent-length: 3\r\n\r\n'
  const { origin, session } = await arrange(s, [afterBody(sendBytes(chunked))])
  const { headers, text, trailers } = await http2Call(session, { method: 'POST', body: 'up', trailers: { 'x-up': 'yes', 'x-latin': 'caf\xe9', authorization: 'not here' } })
  t.match({ headers, text }, { headers: { trailer: 'x-sum' }, text: 'body' })
  t.same(trailers, ['x-sum', '1', 'x-latin', 'caf\xe9'])
  const sent = (await origin.requests[0]?.body() ?? Buffer.alloc(0)).toString()
  t.equal(sent, 'up')
})

http2Scenario('the backend gets the trailers of a client behind its body', async (s, t) => {
  let trailers: readonly string[] = []
  const origin = await s.origin('a', (request, response) => {
    request.resume().on('end', () => {
      trailers = request.rawTrailers
      response.end()
    })
  })
  const session = await s.session(await s.gateway([origin]))
  await http2Call(session, { method: 'POST', body: 'up', trailers: { 'x-up': 'yes', 'x-latin': 'caf\xe9', authorization: 'not here' } })
  t.same(trailers, ['x-up', 'yes', 'x-latin', 'caf\xe9'])
})

http2Scenario('answers that are only a head with trailers behind come whole', async (s, t) => {
  const { session } = await arrange(s, [sendBytes('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\n\r\n')])
  t.match(await http2Call(session), { status: 200, text: '', trailers: ['x-sum', '1'] })
})

http2Scenario('a 103 comes before the answer, as soon as it is there', async (s, t) => {
  const { promise: seen, resolve: see } = Promise.withResolvers<void>()
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\nConnection: close\r\n\r\n'
  const { session } = await arrange(s, [async (call) => {
    await send(call.socket, Buffer.from(early))
    await seen
    await answer({ body: 'real' })(call)
  }])
  const stream = openStream(session)
  stream.once('headers', () => see())
  const { information, text } = await wholeAnswer(stream)
  t.equal(text, 'real')
  t.match(information, [{ ':status': 103, link: '</a>, </b>' }])
  t.equal(information.length, 1)
})

for (const status of [100, 102]) {
  http2Scenario(`a ${status} that the client did not ask for is ${status === 100 ? 'not ' : ''}relayed`, async (s, t) => {
    const { session } = await arrange(s, [sendBytes(`HTTP/1.1 ${status} Whatever\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nreal`)])
    const { information, text } = await http2Call(session)
    t.equal(text, 'real')
    t.same(information.map((head) => head[':status']), status === 100 ? [] : [status])
  })
}

http2Scenario('Expect: the client is asked for its body when the backend asks', async (s, t) => {
  const { promise: mayAsk, resolve: letAsk } = Promise.withResolvers<void>()
  const { session, origin } = await arrange(s, [after(mayAsk, async (call) => {
    await send(call.socket, Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'))
    await answer({ body: await call.request.body() })(call)
  })])
  const stream = openStream(session, { method: 'PUT', fields: ['expect', '100-continue', 'content-length', '4'] }, false)
  const asked = once(stream, 'continue')
  await until('the request has arrived', () => origin.requests.length === 1)
  t.same(origin.requests.map(({ head }) => fieldValues(head, 'expect')), [['100-continue']])
  letAsk()
  await within('the 100', asked)
  stream.end('body')
  t.equal((await wholeAnswer(stream)).text, 'body')
})

http2Scenario('an early answer comes whole while the upload runs, which ends with it, and the session goes on', async (s, t) => {
  const { gateway, session } = await arrange(s, [answer({ status: 413, body: 'too large' }), answer({ body: 'next' })])
  const stream = openStream(session, { method: 'POST' }, false)
  stream.write('some')
  t.match(await wholeAnswer(stream), { status: 413, text: 'too large' })
  t.equal((await http2Call(session)).text, 'next')
  t.equal(gateway.app.intake.size, 1)
})

/** Requests that are refused before any backend hears of them. */
const REFUSED: ReadonlyArray<readonly [what: string, options: Http2CallOptions, status: number, code: string, env?: Record<string, string>]> = [
  ['a Host that differs from :authority', { fields: ['host', 'other.test'] }, 400, 'FL_HOST_INVALID'],
  ['a path with dot segments', { path: '/a/../b' }, 400, 'FL_PATH_AMBIGUOUS'],
  ['a path with encoded dot segments', { path: '/a/%2e%2E/b' }, 400, 'FL_PATH_AMBIGUOUS'],
  ['a path with a backslash', { path: '/a\\b' }, 400, 'FL_PATH_AMBIGUOUS'],
  ['a fragment', { path: '/a#b' }, 400, 'FL_TARGET_INVALID'],
  ['a target that is too long', { path: `/${'x'.repeat(8_192)}` }, 414, 'FL_TARGET_TOO_LONG'],
  ['a body whose length is too large', { method: 'POST', fields: ['content-length', '11'], body: 'x'.repeat(11) }, 413, 'FL_BODY_TOO_LARGE', { MAX_BODY_BYTES: '10' }],
  ['too many fields', { fields: Array.from({ length: 22 }, (_, i) => i % 2 === 0 ? `x-${i}` : 'v') }, 431, 'FL_HEAD_TOO_LARGE', { MAX_HEADERS: '10' }],
  ['fields that are too large', { fields: ['x-large', 'v'.repeat(2_000)] }, 431, 'FL_HEAD_TOO_LARGE', { MAX_HEADER_BYTES: '1024' }],
  ['TRACE', { method: 'TRACE' }, 405, 'FL_METHOD_NOT_ALLOWED'],
  ['an unknown method', { method: 'BREW' }, 501, 'FL_METHOD_UNKNOWN'],
  ['an unknown expectation', { method: 'POST', fields: ['expect', 'more'], body: 'x' }, 417, 'FL_EXPECTATION_FAILED']
]

for (const [what, options, status, code, env = {}] of REFUSED) {
  http2Scenario(`${what}: ${status}, and the session goes on`, async (s, t) => {
    const { session, origin } = await arrange(s, [answer({ body: 'a' })], { env })
    const refused = await http2Call(session, options)
    t.match({ status: refused.status, body: parseObject(refused.text) }, { status, body: { statusCode: status, code } })
    t.equal(origin.requests.length, 0)
    t.equal((await http2Call(session)).text, 'a')
  })
}

http2Scenario('as many fields as MAX_HEADERS are served', async (s, t) => {
  const { session } = await arrange(s, [answer({ body: 'a' })], { env: { MAX_HEADERS: '10' } })
  const fields = Array.from({ length: 20 }, (_, i) => i % 2 === 0 ? `x-${i}` : 'v')
  t.match(await http2Call(session, { fields }), { status: 200, text: 'a' })
})

http2Scenario('PATH_POLICY=pass lets every byte of a path through', async (s, t) => {
  const { session, origin } = await arrange(s, [answer()], { env: { PATH_POLICY: 'pass' } })
  await http2Call(session, { path: '/a/../b\\c' })
  t.equal(origin.requests[0]?.target, '/a/../b\\c')
})

http2Scenario('a body that grows beyond MAX_BODY_BYTES: 413, and the backend never sees the end of it', async (s, t) => {
  let whole: Buffer | undefined
  const { session, origin } = await arrange(s, [async ({ request }) => { whole = await request.body() }, answer({ body: 'next' })], { env: { MAX_BODY_BYTES: '100000' } })
  const refused = await http2Call(session, { method: 'POST', body: patterned(100_001) })
  t.match({ status: refused.status, body: parseObject(refused.text) }, { status: 413, body: { code: 'FL_BODY_TOO_LARGE' } })
  await until('the backend is let go', () => origin.connections === 0)
  t.equal(whole, undefined)
  t.equal((await http2Call(session)).text, 'next')
})

/** Times that run out, and what the client is told. */
const TIMEOUTS: ReadonlyArray<readonly [env: Record<string, string>, status: number, code: string, isUploading: boolean]> = [
  [{ CLIENT_BODY_TIMEOUT_MS: '50' }, 408, 'FL_CLIENT_TIMEOUT', true],
  [{ REQUEST_TIMEOUT_MS: '50' }, 408, 'FL_CLIENT_TIMEOUT', true],
  [{ REQUEST_TIMEOUT_MS: '50' }, 504, 'FL_REQUEST_TIMEOUT', false],
  [{ UPSTREAM_HEADERS_TIMEOUT_MS: '50' }, 504, 'FL_UPSTREAM_HEADERS_TIMEOUT', false]
]

for (const [env, status, code, isUploading] of TIMEOUTS) {
  http2Scenario(`${Object.keys(env).join()}${isUploading ? ' within an upload' : ''}: ${status}, and nothing stays in flight`, async (s, t) => {
    const { session, gateway, origin } = await arrange(s, [async ({ request, reader }) => {
      await request.body()
      await reader.ended
    }], { env })
    const stream: ClientHttp2Stream = openStream(session, { method: 'POST' }, !isUploading)
    if (isUploading) stream.write('some')
    const late = await wholeAnswer(stream)
    t.match({ status: late.status, body: parseObject(late.text) }, { status, body: { code } })
    await until('nothing in flight', () => gateway.inFlight === 0 && origin.connections === 0)
  })
}

http2Scenario('events are relayed one by one', async (s, t) => {
  const seen = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  /** Each event is sent only when the one before has been seen. */
  async function * events (): AsyncGenerator<string> {
    for (const [index, one] of seen.entries()) {
      yield `data: ${index}\n\n`
      await one.promise
    }
  }
  const { session } = await arrange(s, [answerInParts(events(), ['content-type: text/event-stream'])])
  const stream = openStream(session)
  let text = ''
  for await (const part of stream) {
    text += String(part)
    for (const [index, one] of seen.entries()) if (text.includes(`data: ${index}\n\n`)) one.resolve()
  }
  t.equal(text, 'data: 0\n\ndata: 1\n\ndata: 2\n\n')
})
