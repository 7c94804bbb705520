import { resetConnection } from '../../src/client/reset.ts'
/** Streams of HTTP/2 that end before their answer does: by the client, who frees what worked for it, or by a backend that fails. */
import {
  answer, answerInParts, type Behaviour, codeOf, cutBody, cutChunked, dataFrame, endsStream, ErrorCode, FrameType, headersFrame, http2Scenario, type Http2Wire, never,
  requestFieldsOf, rstFrame, until
} from '../helper.ts'

/** The ways of a client to leave in the middle of its requests. */
const WAYS: ReadonlyArray<readonly [way: string, leave: (wire: Http2Wire) => void]> = [
  ['resets its streams', (wire) => wire.send(rstFrame(1, ErrorCode.cancel), rstFrame(3, ErrorCode.cancel))],
  ['ends the connection', (wire) => wire.socket.end()],
  ['resets the connection', (wire) => resetConnection(wire.socket)]
]

for (const [way, leave] of WAYS) {
  http2Scenario(`a client that ${way} before the answer ends the attempts`, async (s, t) => {
    const origin = await s.scripted('a', never)
    const gateway = await s.gateway([origin])
    const wire = await s.wire(gateway)
    wire.get(1, '/one')
    wire.get(3, '/two')
    await until('the requests have arrived', () => origin.requests.length === 2)
    t.equal(gateway.inFlight, 2)
    leave(wire)
    await until('the attempts are over', () => gateway.inFlight === 0 && origin.connections === 0)
    t.match(gateway.logs.of('client gone'), [{ status: 499, backend: origin.url }, { status: 499, backend: origin.url }])
    t.same(gateway.logs.of('request'), [], 'nothing was answered')
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }])
  })

  http2Scenario(`a client that ${way} within the answers ends the attempts`, async (s, t) => {
    const origin = await s.scripted('a', answerInParts(endless()), answerInParts(endless()))
    const gateway = await s.gateway([origin])
    const wire = await s.wire(gateway)
    wire.get(1, '/one')
    wire.get(3, '/two')
    for (const stream of [1, 3]) await wire.wait({ type: FrameType.data, stream })
    leave(wire)
    await until('the attempts are over', () => gateway.inFlight === 0 && origin.connections === 0)
    t.match(gateway.logs.of('client gone'), [{ status: 200 }, { status: 200 }])
    t.same(gateway.logs.of('request'), [], 'no answer is whole')
  })

  http2Scenario(`a client that ${way} within its uploads does not make them look whole`, async (s, t) => {
    const whole: Buffer[] = []
    const origin = await s.scripted('a', async ({ request }) => { whole.push(await request.body()) })
    const gateway = await s.gateway([origin])
    const wire = await s.wire(gateway)
    for (const stream of [1, 3]) wire.send(headersFrame(stream, requestFieldsOf('/', [], 'POST'), false), dataFrame(stream, 'half', false))
    await until('the requests have arrived', () => origin.requests.length === 2)
    leave(wire)
    await until('the attempts are over', () => gateway.inFlight === 0 && origin.connections === 0)
    t.equal(whole.length, 0)
  })
}

for (const [way, leave] of WAYS) {
  http2Scenario(`a client that ${way} before its small uploads are there causes no attempt`, async (s, t) => {
    const origin = await s.scripted('a')
    let arrived = 0
    const gateway = await s.gateway([origin], { extend: (app) => { app.addHook('preHandler', async () => { arrived++ }) } })
    const wire = await s.wire(gateway)
    for (const stream of [1, 3]) wire.send(headersFrame(stream, requestFieldsOf('/', ['content-length', '10'], 'POST'), false), dataFrame(stream, 'half', false))
    await until('the requests have arrived', () => arrived === 2)
    leave(wire)
    t.match(await gateway.logs.wait('client gone', 2), [{ status: 499, attempts: 0, backend: null }, { status: 499, attempts: 0, backend: null }])
    t.equal(origin.requests.length, 0)
  })
}

const CUTS: ReadonlyArray<readonly [what: string, behaviour: Behaviour]> = [
  ['an end before the announced length', cutBody('part', 1_000)],
  ['a reset before the announced length', cutBody('part', 1_000, 'reset')],
  ['an end before the last chunk', cutChunked('part')],
  ['a reset before the last chunk', cutChunked('part', 'reset')]
]

for (const [what, behaviour] of CUTS) {
  http2Scenario(`${what} of an answer is a reset of the stream with an error, never its end`, async (s, t) => {
    const gateway = await s.gateway([await s.scripted('a', behaviour, answer({ body: 'next' }))])
    const wire = await s.wire(gateway)
    wire.get(1, '/')
    const end = await wire.streamEnd(1)
    t.same([end.type, codeOf(end)], [FrameType.rstStream, ErrorCode.internalError])
    t.same(wire.of(1).filter(endsStream), [])
    t.match(gateway.logs.of('answer cut'), [{ status: 200 }])
    wire.get(3, '/')
    await wire.streamEnd(3)
    t.equal(wire.bodyOf(3), 'next', 'the session goes on')
  })
}

http2Scenario('an answer that falls silent is reset with an error, never ended', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', async ({ socket, reader }) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart')
    await reader.ended
  })], { env: { UPSTREAM_IDLE_TIMEOUT_MS: '50' } })
  const wire = await s.wire(gateway)
  wire.get(1, '/')
  const end = await wire.streamEnd(1)
  t.same([end.type, codeOf(end)], [FrameType.rstStream, ErrorCode.internalError])
  t.equal(wire.bodyOf(1), 'part')
})

/** Parts without an end. */
async function * endless (): AsyncGenerator<string> {
  for (;;) {
    yield 'more and more'
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}
