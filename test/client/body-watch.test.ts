/** Bodies that a route of an extension reads: a client may be slow with them, but not silent. */
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import {
  answerTo, call, chunk, codeOf, dataFrame, ErrorCode, fieldValues, type Frame, FrameType, type Gateway, headersFrame, http2Call, type Http2Scenario, http2Scenario, open, openStream, parseObject,
  type RawAnswer, readAll, requestFieldsOf, until, wholeAnswer
} from '../helper.ts'

/** Short enough for a test that waits for it. */
const SHORT_MS = '150'

interface Arranged {
  readonly gateway: Gateway
  /** Bodies that have come whole. */
  readonly bodies: unknown[]
}

/** A gateway with a route of its own that reads bodies, and one that streams them. */
async function arrange (s: Http2Scenario, more: (app: FastifyInstance) => void = () => {}): Promise<Arranged> {
  const bodies: unknown[] = []
  const gateway = await s.gateway([await s.origin('a')], {
    env: { CLIENT_BODY_TIMEOUT_MS: SHORT_MS },
    extend: (app) => {
      app.post('/own', async ({ body }) => {
        bodies.push(body)
        return 'got it'
      })
      more(app)
    }
  })
  return { gateway, bodies }
}

function refusal ({ status, head, body }: RawAnswer): string {
  return `${status} ${String(parseObject(body.toString())['code'])} ${fieldValues(head, 'connection').join()}`
}

const STALLED: ReadonlyArray<readonly [what: string, lines: string]> = [
  ['a length and no body', 'content-type: text/plain\r\ncontent-length: 10\r\n\r\n'],
  ['half a body', 'content-type: text/plain\r\ncontent-length: 10\r\n\r\nhalf'],
  ['half a body of JSON', 'content-type: application/json\r\ncontent-length: 10\r\n\r\n{"a":'],
  ['chunks without the last', `content-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n${chunk('half')}`],
  ['an expectation that was met', 'content-type: text/plain\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\nhalf']
]

for (const [what, lines] of STALLED) {
  http2Scenario(`a body that stalls (${what}): 408 after CLIENT_BODY_TIMEOUT_MS, and the connection closes`, async (s, t) => {
    const { gateway, bodies } = await arrange(s)
    const client = await s.client(gateway)
    client.send(`POST /own HTTP/1.1\r\nhost: a\r\n${lines}`)
    const startedMs = performance.now()
    if (lines.includes('expect')) t.equal((await client.answer()).status, 100)
    t.equal(refusal(await client.answer()), '408 FL_CLIENT_TIMEOUT close')
    t.ok(performance.now() - startedMs >= Number(SHORT_MS) * 0.9, 'not before its time')
    t.equal(await client.ended, 'fin')
    t.match(await gateway.logs.wait('request'), [{ status: 408, url: '/own' }])
    t.same(bodies, [])
    await client.leave()
    await until('no client is left', () => gateway.app.intake.size === 0)
  })
}

http2Scenario('a body of HTTP/2 that stalls: 408, the stream is over, and the session goes on', async (s, t) => {
  const { gateway, bodies } = await arrange(s)
  const wire = await s.wire(gateway)
  wire.send(headersFrame(1, requestFieldsOf('/own', ['content-type', 'text/plain'], 'POST'), false), dataFrame(1, 'half', false))
  const end = await wire.streamEnd(1)
  t.equal(end.type, FrameType.data)
  t.match(parseObject(wire.bodyOf(1)), { statusCode: 408, code: 'FL_CLIENT_TIMEOUT' })
  const isReset = ({ type }: Frame): boolean => type === FrameType.rstStream
  const reset = await until('the client is told to stop', () => wire.of(1).find(isReset))
  t.equal(reset === undefined ? undefined : codeOf(reset), ErrorCode.noError)
  wire.get(3, '/')
  await wire.streamEnd(3)
  t.equal(wire.bodyOf(3), 'a')
  t.same(bodies, [])
})

http2Scenario('a client that is slow, but moves, may take longer than that', async (s, t) => {
  const { gateway, bodies } = await arrange(s)
  const session = await s.session(gateway)
  const plain = { 'content-type': 'text/plain' }
  const sent = open(gateway.url, { method: 'POST', path: '/own', headers: { ...plain, 'content-length': 10 } })
  const stream = openStream(session, { method: 'POST', path: '/own', fields: Object.entries(plain).flat() }, false)
  const answers = Promise.all([answerTo(sent).then(readAll).then(String), wholeAnswer(stream).then(({ text }) => text)])
  for (const letter of 'abcdefghij') {
    sent.write(letter)
    stream.write(letter)
    await wait(60)
  }
  sent.end()
  stream.end()
  t.same(await answers, ['got it', 'got it'])
  t.same(bodies, ['abcdefghij', 'abcdefghij'])
})

http2Scenario('what a route does with a body that has come takes as long as it takes', async (s, t) => {
  const { gateway } = await arrange(s, (app) => {
    app.post('/slow', async ({ body }) => {
      // Longer than the deadline, which is what this is about.
      await wait(500)
      return `late ${String(body)}`
    })
  })
  const session = await s.session(gateway)
  const fields = ['content-type', 'text/plain']
  t.match(await http2Call(session, { method: 'POST', path: '/slow', fields, body: 'body' }), { status: 200, text: 'late body' })
  const client = await s.client(gateway)
  client.send('POST /slow HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nbody')
  t.equal((await client.answer()).body.toString(), 'late body')
  client.get('/')
  t.equal((await client.answer()).body.toString(), 'a', 'the connection goes on')
})

http2Scenario('an answer that has begun is cut when its upload stalls', async (s, t) => {
  const { gateway } = await arrange(s, (app) => {
    app.addContentTypeParser('application/stream', (_request, payload, done) => done(null, payload))
    app.post('/echo', ({ body }, reply) => reply.send(body))
  })
  const client = await s.client(gateway)
  client.send(`POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/stream\r\ntransfer-encoding: chunked\r\n\r\n${chunk('half')}`)
  await client.reader.upTo('half')
  await client.ended
  t.equal(client.reader.received.includes('\r\n0\r\n'), false, 'no last chunk')
  await until('no client is left', () => gateway.app.intake.size === 0)
})

for (const size of [4, 3_000_000]) {
  http2Scenario(`a route that reads its body late does not blame the client (${size} bytes)`, async (s, t) => {
    const { gateway } = await arrange(s, (app) => {
      app.addContentTypeParser('application/stream', (_request, payload, done) => done(null, payload))
      app.post<{ Body: AsyncIterable<Buffer> }>('/late', async ({ body }) => {
        // Longer than the deadline, which is what this is about.
        await wait(500)
        return `read ${(await readAll(body)).length}`
      })
    })
    const body = Buffer.alloc(size)
    const { text } = await call(gateway.url, { method: 'POST', path: '/late', headers: { 'content-type': 'application/stream' }, body })
    t.equal(text, `read ${size}`)
    t.equal((await http2Call(await s.session(gateway), { method: 'POST', path: '/late', fields: ['content-type', 'application/stream'], body })).text, `read ${size}`)
  })
}
