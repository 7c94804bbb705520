/** Clients of HTTP/2: on the same port as those of HTTP/1, and served no differently. */
import type { ClientHttp2Session } from 'node:http2'
import t from 'tap'
import {
  afterBody, answer, type Behaviour, fieldValues, type Gateway, hasOpenssl, http2Call, type Http2Scenario, http2Scenario, makeCa, openStream, parseObject,
  PREFACE, type ScriptedOrigin, sendBytes, settingsFrame, until, wholeAnswer
} from '../helper.ts'

/** A gateway before a scripted backend of HTTP/1.1, and a session with it. */
async function arrange (s: Http2Scenario, ...script: Behaviour[]): Promise<{ origin: ScriptedOrigin, gateway: Gateway, session: ClientHttp2Session }> {
  const origin = await s.scripted('a', ...script)
  const gateway = await s.gateway([origin])
  return { origin, gateway, session: await s.session(gateway) }
}

/** What the backend got in the field, over all requests. */
function got (origin: ScriptedOrigin, name: string): string[][] {
  return origin.requests.map(({ head }) => fieldValues(head, name))
}

http2Scenario('HTTP/1 and HTTP/2 (prior knowledge) are served on one port', async (s, t) => {
  const { gateway, session, origin } = await arrange(s, answer({ body: 'a' }))
  const client = await s.client(gateway)
  for (let i = 0; i < 3; i++) {
    client.get('/one')
    t.equal(String((await client.answer()).body), 'a')
    t.match(await http2Call(session, { path: '/two' }), { status: 200, text: 'a' })
  }
  t.equal(origin.requests.length, 6)
})

http2Scenario('a preface that comes byte by byte is still one', async (s, t) => {
  const { gateway } = await arrange(s, answer({ body: 'a' }))
  const wire = await s.wire(gateway, Buffer.alloc(0))
  wire.acknowledges = false
  for (const byte of Buffer.concat([PREFACE, settingsFrame()])) {
    wire.send(Buffer.from([byte]))
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  wire.get(1, '/')
  await wire.streamEnd(1)
  t.equal(wire.bodyOf(1), 'a')
})

http2Scenario('a preface that goes on as something else is no HTTP/2, and is refused like any other request', async (s, t) => {
  const { gateway, origin } = await arrange(s)
  for (const bytes of ['PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'PRI / HTTP/1.1\r\nhost: x\r\n\r\n']) {
    const client = await s.client(gateway)
    client.send(bytes)
    const { status, body } = await client.answer()
    t.match({ status, body: parseObject(body.toString()) }, { status: 501, body: { code: 'FL_METHOD_UNKNOWN' } })
    await client.ended
  }
  t.equal(origin.requests.length, 0)
})

http2Scenario('HTTP2=off: the preface gets an error of HTTP/1', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], { env: { HTTP2: 'off' } })
  const client = await s.client(gateway)
  client.send(PREFACE)
  const { status, body } = await client.answer()
  t.match({ status, body: parseObject(body.toString()) }, { status: 501, body: { code: 'FL_METHOD_UNKNOWN' } })
  t.equal(await client.ended, 'fin')
})

if (hasOpenssl()) {
  const root = makeCa(t.testdir(), 'root')
  const server = root.issue({ name: 'server', ipAddresses: ['127.0.0.1'] })
  const env = { TLS_CERT_FILES: server.certFile, TLS_KEY_FILES: server.keyFile }

  http2Scenario('over TLS, HTTP/2 is agreed on by ALPN', async (s, t) => {
    const origin = await s.scripted('a', afterBody(answer({ body: 'a' })))
    const gateway = await s.gateway([origin], { env })
    const session = await s.session(gateway, { ca: root.cert }, `https://127.0.0.1:${gateway.port}`)
    t.equal(session.alpnProtocol, 'h2')
    t.match(await http2Call(session, { method: 'POST', body: 'x' }), { status: 200, text: 'a' })
    t.same([got(origin, 'x-forwarded-proto'), got(origin, 'x-forwarded-for')], [[['https']], [['127.0.0.1']]])
  })

  http2Scenario('HTTP2=off: ALPN offers HTTP/1.1 alone', async (s, t) => {
    const gateway = await s.gateway([await s.origin('a')], { env: { ...env, HTTP2: 'off' } })
    const client = await s.tlsClient(gateway, { ca: root.cert, ALPNProtocols: ['h2', 'http/1.1'] })
    t.equal(client.socket.alpnProtocol, 'http/1.1')
    client.get('/')
    t.equal((await client.answer()).status, 200)
    await t.rejects(s.tlsClient(gateway, { ca: root.cert, ALPNProtocols: ['h2'] }))
  })
}

for (const [method, body] of [['GET'], ['DELETE'], ['OPTIONS'], ['QUERY', 'query'], ['POST', 'x'.repeat(100_000)], ['PUT', 'small'], ['PATCH', ''], ['PROPFIND']] as const) {
  http2Scenario(`${method} ${body === undefined ? 'without a body' : `with ${body.length} bytes`} arrives as it is`, async (s, t) => {
    const { origin, session } = await arrange(s, afterBody(answer({ status: 201, fields: ['x-answer: yes'], body: 'done' })))
    const sent = await http2Call(session, { method, path: '/a%20b?c=d&e', fields: ['x-field', 'value'], ...(body !== undefined && { body }) })
    t.match(sent, { status: 201, text: 'done', headers: { 'x-answer': 'yes', 'content-length': '4' } })
    const [request] = origin.requests
    t.equal(request?.head.startLine, `${method} /a%20b?c=d&e HTTP/1.1`)
    t.same([got(origin, 'host'), got(origin, 'x-field'), got(origin, 'connection')], [[['client.test']], [['value']], [[]]])
    t.equal(String(await request?.body()), body ?? '')
    t.same(request?.head.fields.filter(([name]) => name.startsWith(':')), [])
  })
}

for (const [what, status, options] of [['HEAD', 200, { method: 'HEAD' }], ['204', 204, {}], ['304', 304, {}]] as const) {
  http2Scenario(`${what} ends with its head`, async (s, t) => {
    const { session } = await arrange(s, answer({ status, fields: ['etag: "1"'], body: status === 200 ? 'not sent' : '' }))
    const sent = await http2Call(session, options)
    t.match(sent, { status, text: '', headers: { etag: '"1"', ...(status === 200 && { 'content-length': '8' }) } })
    t.equal((await http2Call(session, options)).status, status, 'and the session goes on')
  })
}

http2Scenario('the answer has the fields of the backend, and none that the gateway made up', async (s, t) => {
  const { session } = await arrange(s, sendBytes('HTTP/1.1 200 Fine\r\nServer: me\r\nx-latin: caf\xe9\r\nSet-Cookie: b=2\r\nx-multi: 1\r\nset-cookie: a=1\r\nX-Multi: 2\r\ncontent-length: 2\r\n\r\nok'))
  const { rawHeaders, headers } = await http2Call(session)
  t.same(headers['set-cookie'], ['b=2', 'a=1'])
  t.same(rawHeaders.filter((_, i) => i % 2 === 0).toSorted(), [':status', 'content-length', 'server', 'set-cookie', 'set-cookie', 'x-latin', 'x-multi', 'x-multi'])
  t.match(headers, { server: 'me', 'x-latin': 'caf\xe9', 'x-multi': '1, 2' })
})

http2Scenario('fields of one hop in an answer do not get in its way', async (s, t) => {
  const hop = 'Connection: x-private, close\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nTE: gzip\r\n'
  const { session } = await arrange(s, sendBytes(`HTTP/1.1 200 OK\r\n${hop}content-length: 2\r\n\r\nok`))
  t.match(await http2Call(session), { status: 200, text: 'ok' })
})

for (const field of ['http2-settings: AAMAAABkAAQAAP__', 'x-content-type-options: nosniff', 'access-control-allow-credentials: true', 'etag: "1"', 'date: Sun, 22 Nov 2026 00:00:00 GMT']) {
  http2Scenario(`a backend that says it twice is understood by clients of HTTP/1 and HTTP/2 (${field})`, async (s, t) => {
    const { gateway, session } = await arrange(s, answer({ fields: [field, field], body: 'ok' }))
    const client = await s.client(gateway)
    client.get('/')
    t.equal((await client.answer()).status, 200)
    t.match(await http2Call(session), { status: 200, text: 'ok' })
  })
}

http2Scenario('a status that Node does not know is relayed, or is an error, but no cut', async (s, t) => {
  const { session } = await arrange(s, answer({ status: 799, body: 'own' }), answer({ status: 599, body: 'last' }))
  t.match((await http2Call(session)).status, /^(799|502)$/)
  t.match(await http2Call(session), { status: 599, text: 'last' })
})

http2Scenario('fields of the client: duplicates stay apart, cookies become one, bytes stay bytes', async (s, t) => {
  const { session, origin } = await arrange(s, answer())
  await http2Call(session, { fields: ['cookie', 'a=1', 'x-multi', '1', 'cookie', 'b=2', 'x-multi', '2', 'x-latin', 'caf\xe9', 'cookie', 'c=3', 'te', 'trailers'] })
  t.same(got(origin, 'cookie'), [['a=1; b=2; c=3']])
  t.same(got(origin, 'x-multi'), [['1', '2']])
  t.same(got(origin, 'x-latin'), [['caf\xe9']])
  t.same([got(origin, 'te'), got(origin, 'connection')], [[['trailers']], [['te']]])
})

http2Scenario('many requests at a time do not get mixed up', async (s, t) => {
  const echo: Behaviour = async (call) => { await answer({ body: `${call.request.target} ${String(await call.request.body())}` })(call) }
  const origins = [await s.scripted('a', echo), await s.scripted('b', echo)]
  const session = await s.session(await s.gateway(origins))
  const texts = await Promise.all(Array.from({ length: 100 }, async (_, i) => (await http2Call(session, { method: 'PUT', path: `/${i}`, body: `body ${i}` })).text))
  t.same(texts, Array.from({ length: 100 }, (_, i) => `/${i} body ${i}`))
  t.same(origins.map(({ requests }) => requests.length), [50, 50])
})

http2Scenario('the hooks of an extension run, and its own routes answer', async (s, t) => {
  const seen: string[] = []
  const origin = await s.scripted('a', answer({ body: 'a' }))
  const gateway = await s.gateway([origin], {
    extend: (app) => {
      for (const name of ['onRequest', 'preHandler'] as const) {
        app.addHook(name, async (request) => { seen.push(`${name} ${request.ip} ${request.host} ${request.protocol}`) })
      }
      app.addHook('onSend', async (_request, reply) => { reply.header('x-hook', 'ran') })
      app.addHook('onResponse', async (_request, reply) => { seen.push(`onResponse ${reply.statusCode}`) })
      app.get('/own', async () => ({ own: true }))
      app.post('/own', (request, reply) => { reply.send({ got: request.body }) })
    }
  })
  const session = await s.session(gateway)
  t.match(await http2Call(session), { status: 200, text: 'a', headers: { 'x-hook': 'ran' } })
  await until('all hooks have run', () => seen.length === 3)
  t.same(seen, ['onRequest 127.0.0.1 client.test http', 'preHandler 127.0.0.1 client.test http', 'onResponse 200'])
  t.match(await http2Call(session, { path: '/own' }), { status: 200, text: '{"own":true}', headers: { 'x-hook': 'ran' } })
  const posted = await http2Call(session, { method: 'POST', path: '/own', fields: ['content-type', 'application/json', 'expect', '100-continue'], body: '{"a":1}' })
  t.match(posted, { status: 200, text: '{"got":{"a":1}}' })
  t.equal(origin.requests.length, 1)
})

http2Scenario('the access log has a line a request, with the address of the client', async (s, t) => {
  const { gateway, session, origin } = await arrange(s, afterBody(answer({ body: 'abc' })))
  await http2Call(session, { method: 'POST', path: '/logged?x', body: '12345' })
  const lines = await gateway.logs.wait('request')
  t.match(lines, [{ client: '127.0.0.1', method: 'POST', url: '/logged?x', status: 200, backend: origin.url, attempts: 1, requestBytes: 5, responseBytes: 3 }])
  t.equal(lines.length, 1)
})

http2Scenario('a session goes on when one of its requests has failed', async (s, t) => {
  const { gateway, session } = await arrange(s, sendBytes('rubbish\r\n\r\n'), answer({ body: 'fine' }))
  const failed = await wholeAnswer(openStream(session, { method: 'POST' }))
  t.match({ status: failed.status, body: parseObject(failed.text) }, { status: 502, body: { code: 'FL_UPSTREAM_BAD_RESPONSE' } })
  t.equal((await http2Call(session)).text, 'fine')
  t.equal(gateway.app.intake.size, 1)
})
