/** Backends of HTTP/2 (h2c:// and h2://): how requests and answers are carried, and over how many connections. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:tls'
import t from 'tap'
import {
  answerTo, call, chunk, endWithTrailers, fieldValues, type Gateway, hasOpenssl, http2Call, type Http2Origin, http2Scenario, makeCa, open, openStream, portOf, readAll, type RawAnswer, type Scenario,
  type SeenStream, type StreamHandler, until, valuesOf, wholeAnswer
} from '../helper.ts'

const MIB = 1024 * 1024

/** Answers when `moment` has come. */
function answerAfter (moment: Promise<void>, text = 'late'): StreamHandler {
  return async ({ stream }) => {
    await moment
    if (!stream.destroyed) {
      stream.respond({ ':status': 200 })
      stream.end(text)
    }
  }
}

/** Sends back what it gets, with the method and the hash. */
const digesting: StreamHandler = async ({ method, stream, body }) => {
  const hash = createHash('sha256').update(await body()).digest('hex')
  stream.respond({ ':status': 200 })
  stream.end(`${method} ${hash}`)
}

function digest (method: string, body: Buffer): string {
  return `${method} ${createHash('sha256').update(body).digest('hex')}`
}

/** Requests at a time, each on a connection of its own. */
async function manyCalls (gateway: Gateway, count: number): Promise<string[]> {
  return await Promise.all(Array.from({ length: count }, async (_, i) => {
    const { status, text } = await call(gateway.url, { path: `/${i}` })
    return `${status} ${text}`
  }))
}

/** What Node warns of, until the scenario ends. */
function noteWarnings (s: Scenario): readonly string[] {
  const warnings: string[] = []
  const onWarning = ({ message }: Error): void => { warnings.push(message) }
  process.on('warning', onWarning)
  s.atEnd(() => process.off('warning', onWarning))
  return warnings
}

function valuesIn ({ rawHeaders }: SeenStream, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1] === name)
}

http2Scenario('a request over HTTP/1 arrives as one of HTTP/2', async (s, t) => {
  const origin = await s.http2Origin('a', digesting)
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send('POST /a%20b?c=d HTTP/1.1\r\nHost: Client.test:8080\r\nX-Multi: 1\r\nCookie: a=1; b=2\r\nx-multi: 2\r\nX-Latin: caf\xe9\r\nConnection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nContent-Length: 4\r\n\r\nbody')
  const sent = await client.answer()
  t.equal(`${sent.status} ${String(sent.body)}`, `200 ${digest('POST', Buffer.from('body'))}`)
  const [request] = origin.requests
  if (request === undefined) throw new Error('no request')
  t.match(request.headers, { ':method': 'POST', ':scheme': 'http', ':authority': 'Client.test:8080', ':path': '/a%20b?c=d', 'content-length': '4', te: 'trailers', 'x-latin': 'caf\xe9', cookie: 'a=1; b=2' })
  t.same(valuesIn(request, 'x-multi'), ['1', '2'])
  t.match(request.headers, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'Client.test:8080' })
  for (const name of ['connection', 'x-hop', 'host', 'transfer-encoding', 'keep-alive']) t.notOk(name in request.headers, name)
})

http2Scenario('fields that HTTP/2 likes to have once are sent as often as the client did', async (s, t) => {
  const origin = await s.http2Origin('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  for (const field of ['user-agent: one', 'content-type: text/plain', 'authorization: Basic x', 'if-none-match: "1"', 'x-content-type-options: nosniff']) {
    client.get('/', [field, field])
    t.equal((await client.answer()).status, 200, field)
  }
  t.match(gateway.app.pool.status().backends, [{ failures: 0 }])
})

http2Scenario('an answer over HTTP/2 arrives as one of HTTP/1', async (s, t) => {
  const origin = await s.http2Origin('a', ({ stream }) => {
    stream.respond([':status', '201', 'server', 'me', 'set-cookie', 'b=2', 'x-multi', '1', 'set-cookie', 'a=1', 'x-multi', '2', 'x-latin', 'caf\xe9'])
    stream.end('body')
  })
  const client = await s.client(await s.gateway([origin]))
  for (let i = 0; i < 2; i++) {
    client.get('/')
    const sent: RawAnswer = await client.answer()
    t.same([sent.status, String(sent.body), valuesOf(sent, 'server'), valuesOf(sent, 'x-latin')], [201, 'body', ['me'], ['caf\xe9']])
    t.same([valuesOf(sent, 'set-cookie'), valuesOf(sent, 'x-multi')], [['b=2', 'a=1'], ['1', '2']])
    t.notOk(sent.head.raw.includes(':status'))
  }
})

for (const [what, method, status] of [['HEAD', 'HEAD', 200], ['204', 'GET', 204], ['304', 'GET', 304]] as const) {
  http2Scenario(`${what} has no body`, async (s, t) => {
    const origin = await s.http2Origin('a', ({ stream }) => stream.respond({ ':status': status, etag: '"1"', ...(method === 'HEAD' && { 'content-length': '1000' }) }, { endStream: true }))
    const client = await s.client(await s.gateway([origin]))
    for (let i = 0; i < 2; i++) {
      client.send(`${method} / HTTP/1.1\r\nhost: a\r\n\r\n`)
      const sent = await client.answer(method)
      t.same([sent.status, valuesOf(sent, 'etag'), valuesOf(sent, 'content-length')], [status, ['"1"'], method === 'HEAD' ? ['1000'] : []])
    }
  })
}

http2Scenario('a client of HTTP/1.0 without a Host: the backend is addressed by its own name', async (s, t) => {
  const origin = await s.http2Origin('a')
  const client = await s.client(await s.gateway([origin]))
  client.send('GET / HTTP/1.0\r\n\r\n')
  t.equal((await client.answer()).status, 200)
  t.equal(origin.requests[0]?.headers[':authority'], `127.0.0.1:${origin.port}`)
})

for (const framing of ['length', 'chunks']) {
  http2Scenario(`bodies of all sizes go both ways as they are (${framing})`, async (s, t) => {
    const origin = await s.http2Origin('a', ({ stream, headers }) => {
      stream.respond({ ':status': 200, ...(headers['content-length'] !== undefined && { 'content-length': headers['content-length'] }) })
      stream.pipe(stream)
    })
    const gateway = await s.gateway([origin])
    for (const length of [0, 1, 16_384, 65_535, 65_536, 65_537, 3 * MIB + 1]) {
      const body = Buffer.alloc(length, 'abcdefghijklmnopq')
      const headers = framing === 'chunks' ? { 'transfer-encoding': 'chunked' } : { 'content-length': length }
      const echo = await call(gateway.url, { method: 'POST', headers, body })
      t.ok(echo.body.equals(body), `${length}`)
    }
    t.same(new Set(origin.requests.slice(1).map(({ headers }) => headers['content-length'] === undefined)), new Set([framing === 'chunks']))
    t.equal(origin.sessionsUsed.size, 1)
  })
}

http2Scenario('trailers go both ways', async (s, t) => {
  const origin = await s.http2Origin('a', async ({ stream, body }) => {
    await body()
    stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true })
    endWithTrailers(stream, { 'x-sum': '1', 'x-latin': 'caf\xe9' }, 'body')
  })
  const client = await s.client(await s.gateway([origin]))
  client.send(`POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n${chunk('up')}0\r\nX-Up: yes\r\nAuthorization: not here\r\n\r\n`)
  const head = await client.head()
  t.same([fieldValues(head, 'trailer'), fieldValues(head, 'transfer-encoding')], [['x-sum'], ['chunked']])
  t.equal((await client.reader.upTo('\r\n\r\n')).toString('latin1').replaceAll('\r\n', '|'), '4|body|0|x-sum: 1|x-latin: caf\xe9||')
  t.same(origin.requests[0]?.trailers, ['x-up', 'yes'])
})

http2Scenario('provisional answers are relayed', async (s, t) => {
  const origin = await s.http2Origin('a', ({ stream }) => {
    stream.additionalHeaders({ ':status': 103, link: ['</a>', '</b>'] })
    stream.respond({ ':status': 200 })
    stream.end('real')
  })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  const early = await client.head()
  t.same([early.startLine, fieldValues(early, 'link')], ['HTTP/1.1 103 Early Hints', ['</a>', '</b>']])
  t.equal(String((await client.answer()).body), 'real')
  t.match(await http2Call(await s.session(gateway)), { text: 'real', information: [{ ':status': 103, link: '</a>, </b>' }] })
})

http2Scenario('Expect: the client is asked for its body when the backend asks', async (s, t) => {
  const origin = await s.http2Origin('a', async ({ stream, body, headers }) => {
    if (headers.expect === '100-continue') stream.additionalHeaders({ ':status': 100 })
    const got = await body()
    stream.respond({ ':status': 200 })
    stream.end(got)
  })
  const sent = open((await s.gateway([origin])).url, { method: 'PUT', headers: { expect: '100-continue', 'content-length': 4 } })
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.end('body')
  t.equal(String(await readAll(await answerTo(sent))), 'body')
})

http2Scenario('an Upgrade goes as an ordinary request', async (s, t) => {
  const origin = await s.http2Origin('a')
  const client = await s.client(await s.gateway([origin]))
  client.get('/socket', ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='])
  const { status, body } = await client.answer()
  t.equal(`${status} ${String(body)}`, '200 a')
  t.notOk('upgrade' in (origin.requests[0]?.headers ?? {}))
})

http2Scenario('many requests at a time share one connection', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin: Http2Origin = await s.http2Origin('a', async (seen) => await (seen.path === '/first' ? answerAfter(Promise.resolve()) : answerAfter(mayAnswer))(seen))
  const gateway = await s.gateway([origin])
  await call(gateway.url, { path: '/first' })
  const answers = manyCalls(gateway, 200)
  await until('all have arrived', () => origin.requests.length === 201)
  t.equal(origin.sessionsUsed.size, 1)
  t.equal(gateway.app.engine.connectionCount, 1)
  letAnswer()
  t.same(new Set(await answers), new Set(['200 late']))
})

http2Scenario('more requests than a backend takes on one connection open another, and none is refused', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.http2Origin('a', async (seen) => await answerAfter(seen.path === '/first' ? Promise.resolve() : mayAnswer)(seen), { settings: { maxConcurrentStreams: 10 } })
  const gateway = await s.gateway([origin])
  await call(gateway.url, { path: '/first' })
  const answers = manyCalls(gateway, 30)
  await until('all have arrived', () => origin.requests.length === 31)
  t.equal(gateway.app.engine.connectionCount, 3)
  letAnswer()
  t.same(new Set(await answers), new Set(['200 late']))
  t.equal(gateway.logs.of('proxy error').length, 0)
})

http2Scenario('a burst that meets a backend before its limit is known is served all the same', async (s, t) => {
  const origin = await s.http2Origin('a', ({ stream }) => {
    stream.respond({ ':status': 200 })
    setImmediate(() => stream.end('a'))
  }, { settings: { maxConcurrentStreams: 5 } })
  const gateway = await s.gateway([origin])
  t.same(new Set(await manyCalls(gateway, 40)), new Set(['200 a']))
})

http2Scenario('requests spread over backends of both kinds', async (s, t) => {
  const gateway = await s.gateway([await s.http2Origin('two'), await s.origin('one')])
  const texts: string[] = []
  for (let i = 0; i < 4; i++) texts.push((await call(gateway.url)).text)
  t.same(texts, ['two', 'one', 'two', 'one'])
})

http2Scenario('clients of HTTP/2 reach backends of HTTP/2', async (s, t) => {
  const origin = await s.http2Origin('a', digesting)
  const session = await s.session(await s.gateway([origin]))
  const body = Buffer.alloc(MIB, 'abcdefg')
  // The session with the backend is not open yet when they come.
  const warnings = noteWarnings(s)
  const texts = await Promise.all(Array.from({ length: 10 }, async () => (await http2Call(session, { method: 'PUT', body })).text))
  t.same(new Set(texts), new Set([digest('PUT', body)]))
  t.same(warnings, [], 'Node sees no leak in it')
  t.equal((await wholeAnswer(openStream(session, { method: 'GET' }))).text, digest('GET', Buffer.alloc(0)))
})

http2Scenario('probes speak HTTP/2 too', async (s, t) => {
  const [good, bad] = [await s.http2Origin('good'), await s.http2Origin('bad')]
  bad.onProbe = ({ stream }) => stream.respond({ ':status': 503 }, { endStream: true })
  const seen: unknown[] = []
  good.onProbe = ({ stream, headers }) => {
    seen.push(headers[':path'], headers[':method'])
    stream.respond({ ':status': 200 })
    stream.end('fine')
  }
  const gateway = await s.gateway([good, bad], { env: { HEALTH_PATH: '/well?' } })
  t.same(seen, ['/well?', 'GET'])
  t.match(gateway.app.pool.status().backends, [{ healthy: true, reason: 'answered 200' }, { healthy: false, reason: 'answered 503' }])
  t.same([(await call(gateway.url)).text, (await call(gateway.url)).text], ['good', 'good'])
  await until('the connections of the probes are closed', () => good.connections === 1 && bad.connections === 0)
})

if (hasOpenssl()) {
  const root = makeCa(t.testdir(), 'root')
  const secure = root.issue({ name: 'backend', ipAddresses: ['127.0.0.1'] })
  const env = { UPSTREAM_TLS_CA_FILE: root.certFile }

  http2Scenario('h2:// is HTTP/2 over TLS', async (s, t) => {
    const origin = await s.http2Origin('a', digesting, { secure })
    const gateway = await s.gateway([origin], { env })
    t.equal((await call(gateway.url, { method: 'PUT', body: 'x' })).text, digest('PUT', Buffer.from('x')))
    t.match(origin.requests[0]?.headers, { ':scheme': 'https' })
    t.same(new Set(await manyCalls(gateway, 50)), new Set([`200 ${digest('GET', Buffer.alloc(0))}`]))
    t.ok(origin.sessionsUsed.size === 1, 'over one connection')
  })

  http2Scenario('a backend that refuses HTTP/2 by ALPN: 502, and the cause tells of it', async (s, t) => {
    const origin = await s.httpsOrigin('a', secure)
    const backend = { url: origin.url.replace('https:', 'h2:') }
    const gateway = await s.gateway([backend], { env })
    t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /ALPN|application.protocol/i }])
    gateway.declareHealthy(backend)
    t.match(JSON.parse((await call(gateway.url, { method: 'POST', body: 'x' })).text), { statusCode: 502, code: 'FL_UPSTREAM_CONNECT_FAILED' })
    t.match(gateway.logs.of('proxy error'), [{ cause: /ALPN|application.protocol/i }])
    t.equal(origin.requests.length, 0)
  })

  http2Scenario('a backend that knows nothing of ALPN: 502, and the cause tells what to change', async (s, t) => {
    const server = createServer(secure, (socket) => socket.on('error', () => {}))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    s.atEnd(() => server.close())
    const backend = { url: `h2://127.0.0.1:${portOf(server)}` }
    const gateway = await s.gateway([backend], { env })
    t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /ALPN.*https:\/\// }])
    gateway.declareHealthy(backend)
    t.equal((await call(gateway.url)).status, 502)
    t.match(gateway.logs.of('proxy error'), [{ code: 'FL_UPSTREAM_CONNECT_FAILED', cause: /ALPN.*https:\/\// }])
  })
}
