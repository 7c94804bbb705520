/** What is tried again when backends speak HTTP/2. */
import { call, closeOf, ErrorCode, FrameType, headersFrame, http2Scenario, type Http2Wire, never, okFrame, openStream, parseObject, rstFrame, type StreamHandler, until } from '../helper.ts'

const sorry: StreamHandler = async ({ stream, body }) => {
  await body()
  stream.respond({ ':status': 503 })
  stream.end('sorry')
}

http2Scenario('an answer that is not wanted is given up, its session goes on, and another backend gets the same bytes', async (s, t) => {
  const [a, b] = [await s.http2Origin('a', sorry), await s.http2Origin('b', async ({ stream, body }) => {
    const sent = await body()
    stream.respond({ ':status': 200 })
    stream.end(sent)
  })]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503' } })
  const body = Buffer.alloc(64 * 1024, 'abcdefghijklmnopq')
  for (let i = 0; i < 4; i++) t.ok((await call(gateway.url, { method: 'PUT', body })).body.equals(body))
  t.strictSame([a.requests.length, b.requests.length, a.sessionsUsed.size], [2, 4, 1])
  t.match(gateway.app.pool.status().backends, [{ failures: 0 }, { failures: 0 }])
})

http2Scenario('a slow backend loses the request, and its stream is reset, after ATTEMPT_TIMEOUT_MS', async (s, t) => {
  const [slow, b] = [await s.http2Origin('slow', () => {}), await s.scripted('b')]
  const gateway = await s.gateway([slow, b], { env: { ATTEMPT_TIMEOUT_MS: '100' } })
  t.equal((await call(gateway.url)).text, 'b')
  t.equal(await slow.requests[0]?.closed, ErrorCode.cancel)
  await call(gateway.url)
  const { status, text } = await call(gateway.url, { method: 'POST' })
  t.strictSame([status, parseObject(text)['code']], [504, 'FL_ATTEMPT_TIMEOUT'])
})

http2Scenario('a client of HTTP/2 that resets its stream during the backoff is forgotten', async (s, t) => {
  const [a, b] = [await s.http2Origin('a', sorry), await s.http2Origin('b')]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', RETRY_BACKOFF_MS: '60000' } })
  const stream = openStream(await s.session(gateway))
  await gateway.logs.wait('answer refused')
  stream.close(ErrorCode.cancel)
  await closeOf(stream)
  t.match(await gateway.logs.wait('client gone'), [{ status: 499, attempts: 1 }])
  t.equal(b.requests.length, 0)
})

/** Streams that a session has been asked for. */
const requestsOn = (wire: Http2Wire | undefined): number => wire?.frames.filter(({ type }) => type === FrameType.headers).length ?? 0

for (const fields of [[], ['connection: Upgrade', 'upgrade: echo']]) {
  http2Scenario(`${fields.length === 0 ? 'a request' : 'an upgrade'} that a backend refuses on a used session is sent twice, and no more often`, async (s, t) => {
    let isFirst = true
    const origin = await s.rawHttp2Origin('a', (frame, wire) => {
      if (frame.type !== FrameType.headers) return
      wire.send(isFirst ? okFrame(frame.stream, true) : rstFrame(frame.stream, ErrorCode.refusedStream))
      isFirst = false
    })
    const gateway = await s.gateway([origin])
    await call(gateway.url)
    const client = await s.client(gateway)
    client.get('/', fields)
    t.equal((await client.answer()).status, 502)
    t.equal(requestsOn(origin.wires[0]), 3)
  })
}

http2Scenario('a used session that ends as it is used says nothing of its backend; one that ends within an answer does', async (s, t) => {
  for (const [isWithin, failures] of [[false, 0], [true, 1]] as const) {
    let count = 0
    const origin = await s.rawHttp2Origin('a', (frame, wire) => {
      if (frame.type !== FrameType.headers) return
      if (++count !== 2) return wire.send(okFrame(frame.stream, true))
      if (isWithin) wire.send(headersFrame(frame.stream, [':status', '200', 'content-length', '10'], false))
      setImmediate(() => wire.socket.end())
    })
    const gateway = await s.gateway([origin])
    await call(gateway.url)
    await call(gateway.url).catch(() => {})
    await until('the failure is told', () => gateway.logs.of('proxy error').length === 1)
    t.match(gateway.app.pool.status().backends, [{ failures }])
    t.equal(gateway.app.pool.board.countFailure(0), failures + 1, 'in a row')
  }
})

http2Scenario('a request that a backend of HTTP/1.1 has failed goes to one of HTTP/2, and the other way round', async (s, t) => {
  const [one, two] = [await s.scripted('one', never), await s.http2Origin('two', () => {})]
  const [good1, good2] = [await s.scripted('good'), await s.http2Origin('good')]
  for (const pair of [[one, good2], [two, good1]]) {
    const gateway = await s.gateway(pair, { env: { ATTEMPT_TIMEOUT_MS: '100' } })
    t.equal((await call(gateway.url)).text, 'good')
  }
})
