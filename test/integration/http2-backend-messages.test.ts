/** Messages to and from backends of HTTP/2 that are odd, large, or more than can be relayed. */
import { call, chunk, dataFrame, type FrameScript, FrameType, headersFrame, http2Scenario, type Http2Wire, okFrame, parseObject, valuesOf } from '../helper.ts'

/** Provisional answers that one request can have. */
const MAX_PROVISIONAL = 32

function onRequest (speak: (wire: Http2Wire, stream: number) => void): FrameScript {
  return (frame, wire) => { if (frame.type === FrameType.headers) speak(wire, frame.stream) }
}

function provisional (stream: number, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => headersFrame(stream, [':status', '103', 'link', '</a>'], false)))
}

for (const [what, fields] of [['099', [':status', '099']], ['1000', [':status', '1000']], ['none', ['server', 'me']]] as const) {
  http2Scenario(`an answer whose status is ${what}, also behind a provisional one: 502, and the session goes on`, async (s, t) => {
    const bad = await s.rawHttp2Origin('bad', onRequest((wire, stream) => {
      if (stream === 5) wire.send(okFrame(stream, true))
      else wire.send(provisional(stream, stream === 1 ? 0 : 1), headersFrame(stream, fields, false), dataFrame(stream, 'text', true))
    }))
    const gateway = await s.gateway([bad])
    const found: number[] = []
    for (let i = 0; i < 3; i++) found.push((await call(gateway.url)).status)
    t.same(found, [502, 502, 200])
    t.match(gateway.logs.of('proxy error'), [{ cause: /PROTOCOL_ERROR/ }, { cause: /PROTOCOL_ERROR/ }])
    t.equal(bad.wires.length, 1)
  })
}

http2Scenario(`${MAX_PROVISIONAL} provisional answers are relayed, one more is a 502`, async (s, t) => {
  const origin = await s.rawHttp2Origin('a', onRequest((wire, stream) => wire.send(provisional(stream, stream === 1 ? MAX_PROVISIONAL : MAX_PROVISIONAL + 1), okFrame(stream, true))))
  const gateway = await s.gateway([origin])
  t.equal((await call(gateway.url)).status, 200)
  t.match(parseObject((await call(gateway.url)).text), { statusCode: 502, code: 'FL_UPSTREAM_BAD_RESPONSE' })
  t.match(gateway.logs.of('proxy error'), [{ cause: /provisional/ }])
})

http2Scenario('fields of the connection end here, and so does the length of what has no body', async (s, t) => {
  const fields = ['proxy-authenticate', 'Basic', 'proxy-authorization', 'Basic x', 'http2-settings', 'x', 'trailer', 'x-sum', 'server', 'me']
  const origin = await s.rawHttp2Origin('a', onRequest((wire, stream) => wire.send(headersFrame(stream, [':status', '204', 'content-length', '0', ...fields], true))))
  const client = await s.client(await s.gateway([origin]))
  client.get('/')
  const answer = await client.answer()
  t.equal(answer.status, 204)
  for (const name of ['proxy-authenticate', 'proxy-authorization', 'http2-settings', 'trailer', 'content-length']) t.same(valuesOf(answer, name), [], name)
  t.same(valuesOf(answer, 'server'), ['me'])
})

http2Scenario('repeated trailers of a request all arrive', async (s, t) => {
  const origin = await s.http2Origin('a', async ({ stream, body }) => {
    await body()
    stream.respond({ ':status': 200 }, { endStream: true })
  })
  const client = await s.client(await s.gateway([origin]))
  client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('up')}0\r\nX-Up: one\r\nX-Other: two\r\nX-Up: three\r\nETag: "1"\r\nETag: "1"\r\nHTTP2-Settings: x\r\n\r\n`)
  t.equal((await client.answer()).status, 200)
  const trailers = origin.requests[0]?.trailers ?? []
  t.same([fieldsIn(trailers, 'x-up'), fieldsIn(trailers, 'x-other'), fieldsIn(trailers, 'etag')], [['one', 'three'], ['two'], ['"1"']])
})

http2Scenario('a large head of a request arrives whole, as large as it may be', async (s, t) => {
  const sizes: number[] = []
  const origin = await s.rawHttp2Origin('a', (frame, wire) => {
    if (frame.type === FrameType.headers) sizes.push(0)
    if (frame.type === FrameType.headers || frame.type === FrameType.continuation) sizes.push((sizes.pop() ?? 0) + frame.payload.length)
    if ((frame.type === FrameType.headers || frame.type === FrameType.continuation) && (frame.flags & 0x4) !== 0) wire.send(okFrame(frame.stream, true))
  })
  const gateway = await s.gateway([origin], { env: { MAX_HEADER_BYTES: '1048576', MAX_TARGET_BYTES: '8192' } })
  for (const length of [100_000, 1_040_000]) {
    t.equal((await call(gateway.url, { path: `/${'a'.repeat(8_000)}`, headers: { 'x-large': '~'.repeat(length) } })).status, 200)
    t.ok((sizes.at(-1) ?? 0) > length, `${sizes.at(-1)}`)
  }
  t.equal(origin.wires.length, 1)
})

http2Scenario('421 is an answer like any other', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', onRequest((wire, stream) => wire.send(headersFrame(stream, [':status', '421'], false), dataFrame(stream, 'not here', true))))
  t.match(await call((await s.gateway([origin])).url), { status: 421, text: 'not here' })
})

http2Scenario('a backend that ends its side of the connection: so does the gateway', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', onRequest((wire, stream) => {
    wire.send(okFrame(stream, true))
    wire.socket.end()
  }))
  const gateway = await s.gateway([origin])
  t.equal((await call(gateway.url)).status, 200)
  t.equal(await origin.wires[0]?.ended, 'fin')
  t.equal(gateway.app.engine.connectionCount, 0)
})

function fieldsIn (fields: readonly string[], name: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === name)
}
