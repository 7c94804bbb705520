/** Sessions of HTTP/2: how much fits into one, how long it may last, and how it ends. */
import { setTimeout as wait } from 'node:timers/promises'
import {
  after, answer, answerInParts, closeOf, codeOf, dataFrame, ErrorCode, fieldBlock, Flag, frame, type Frame, FrameType, goawayFrame, headersFrame, http2Call, http2Scenario,
  never, openStream, PREFACE, requestFieldsOf, rstFrame, settingsFrame, statusIn, until, windowFrame, within
} from '../helper.ts'

/** SETTINGS_INITIAL_WINDOW_SIZE */
const INITIAL_WINDOW = 4

/** SETTINGS_MAX_CONCURRENT_STREAMS */
const MAX_STREAMS = 3

/** What a client may reset at once. */
const RESET_BURST = 256

/** A setting of the gateway's. */
function settingOf ({ payload }: Frame, identifier: number): number | undefined {
  for (let at = 0; at < payload.length; at += 6) if (payload.readUInt16BE(at) === identifier) return payload.readUInt32BE(at + 2)
  return undefined
}

http2Scenario('HTTP2_MAX_STREAMS is told to the client, and what it sends before it knows is refused unprocessed', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'a' })))
  const gateway = await s.gateway([origin], { env: { HTTP2_MAX_STREAMS: '2' } })
  const wire = await s.wire(gateway)
  wire.acknowledges = false
  for (const stream of [1, 3, 5]) wire.get(stream, '/')
  t.equal(settingOf(await wire.wait({ type: FrameType.settings }), MAX_STREAMS), 2)
  const refused = await wire.streamEnd(5)
  t.same([refused.type, codeOf(refused)], [FrameType.rstStream, ErrorCode.refusedStream])
  letAnswer()
  for (const stream of [1, 3]) await wire.streamEnd(stream)
  wire.get(7, '/')
  await wire.streamEnd(7)
  t.same([1, 3, 5, 7].map((stream) => wire.bodyOf(stream)), ['a', 'a', '', 'a'])
  t.equal(origin.requests.length, 3)
})

http2Scenario('a client that knows HTTP2_MAX_STREAMS and exceeds it loses its session', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin], { env: { HTTP2_MAX_STREAMS: '2' } })
  const wire = await s.wire(gateway)
  await wire.settled()
  for (const stream of [1, 3, 5]) wire.get(stream, '/')
  t.equal(codeOf(await wire.wait({ type: FrameType.goaway })), ErrorCode.protocolError)
  await wire.ended
  await until('nothing in flight', () => gateway.inFlight === 0)
  t.ok(origin.requests.length <= 2)
})

http2Scenario('an ordinary client waits for its turn with more requests than streams', async (s, t) => {
  const session = await s.session(await s.gateway([await s.origin('a')], { env: { HTTP2_MAX_STREAMS: '2' } }))
  // With the answer comes the limit.
  await http2Call(session)
  const texts = await Promise.all(Array.from({ length: 20 }, async () => (await http2Call(session)).text))
  t.equal(texts.join(''), 'a'.repeat(20))
})

http2Scenario('rapid reset: the session ends, nothing stays in flight, and others are served', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin])
  const other = await s.session(gateway)
  const wire = await s.wire(gateway)
  for (let batch = 0; batch < 50; batch++) {
    const frames: Buffer[] = []
    for (let i = 0; i < 100; i++) {
      const stream = (batch * 100 + i) * 2 + 1
      frames.push(headersFrame(stream, requestFieldsOf('/'), true), rstFrame(stream, ErrorCode.cancel))
    }
    wire.send(...frames)
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  const goaway = await wire.wait({ type: FrameType.goaway })
  t.not(codeOf(goaway), ErrorCode.noError)
  await wire.ended
  await until('nothing in flight', () => gateway.inFlight === 0)
  t.ok(origin.requests.length <= 3 * RESET_BURST, `${origin.requests.length} requests came through`)
  origin.script = [answer({ body: 'served' })]
  t.equal((await http2Call(other)).text, 'served')
})

http2Scenario('a client may leave as many requests as it may have at a time', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin])
  const session = await s.session(gateway)
  const streams = Array.from({ length: 128 }, () => openStream(session))
  await until('all are under way', () => gateway.inFlight === 128)
  for (const stream of streams) stream.close(ErrorCode.cancel)
  await until('nothing in flight', () => gateway.inFlight === 0)
  origin.script = [answer({ body: 'still here' })]
  t.equal((await http2Call(session)).text, 'still here')
})

http2Scenario('a session that is silent for CLIENT_KEEP_ALIVE_TIMEOUT_MS ends without an error', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { CLIENT_KEEP_ALIVE_TIMEOUT_MS: '60' } })
  const wire = await s.wire(gateway)
  wire.get(1, '/')
  await wire.streamEnd(1)
  t.equal(codeOf(await wire.wait({ type: FrameType.goaway })), ErrorCode.noError)
  t.equal(await wire.ended, 'fin')
})

http2Scenario('a session whose time is up finishes what is under way', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', after(mayAnswer, answer({ body: 'late' })))], { env: { CLIENT_KEEP_ALIVE_TIMEOUT_MS: '60' } })
  const wire = await s.wire(gateway)
  wire.get(1, '/')
  t.equal(codeOf(await wire.wait({ type: FrameType.goaway })), ErrorCode.noError)
  letAnswer()
  await wire.streamEnd(1)
  t.equal(wire.bodyOf(1), 'late')
  t.equal(await wire.ended, 'fin')
})

http2Scenario('a session with an exchange under way is not over, however long the backend takes', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', async (exchange) => {
    // Many times the time of the session, which is what this is about.
    await wait(500)
    await answer({ body: 'late' })(exchange)
  })], { env: { CLIENT_KEEP_ALIVE_TIMEOUT_MS: '60' } })
  const wire = await s.wire(gateway)
  wire.get(1, '/')
  await wire.streamEnd(1)
  t.equal(wire.bodyOf(1), 'late')
  t.equal(await wire.ended, 'fin')
})

http2Scenario('an answer that is taken slowly keeps its session, when its time is up too', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', answer({ body: 'x'.repeat(20) }))], { env: { CLIENT_KEEP_ALIVE_TIMEOUT_MS: '200' } })
  const wire = await s.wire(gateway, Buffer.concat([PREFACE, settingsFrame([[INITIAL_WINDOW, 0]])]))
  wire.get(1, '/')
  await wire.wait({ type: FrameType.goaway })
  for (let taken = 0; taken < 20; taken++) {
    wire.send(windowFrame(1, 1))
    await wait(50)
  }
  // The end is not sent into a window of nothing.
  wire.send(windowFrame(1, 1))
  await wire.streamEnd(1)
  t.equal(wire.bodyOf(1), 'x'.repeat(20))
})

/** Streams that nobody works on any more, and that Node would wait for. */
const LOST: ReadonlyArray<readonly [what: string, settings: ReadonlyArray<readonly [number, number]>, frames: readonly Buffer[]]> = [
  ['a stream that Node loses behind the GOAWAY of the client', [[INITIAL_WINDOW, 100]], [
    headersFrame(1, requestFieldsOf('/', ['content-length', '5'], 'BREW'), false), goawayFrame(0, 0), dataFrame(1, '', true), dataFrame(1, 'xxxxxxx', true)
  ]],
  ['a refusal that is not taken', [[INITIAL_WINDOW, 0]], [headersFrame(1, requestFieldsOf('/a/../b'), true)]],
  ['an unknown method whose refusal is not taken', [[INITIAL_WINDOW, 0]], [headersFrame(1, requestFieldsOf('/', [], 'BREW'), true)]],
  ['an answer of an extension that is not taken', [[INITIAL_WINDOW, 0]], [headersFrame(1, requestFieldsOf('/own'), true)]],
  ['a CONNECT that is never ended', [], [headersFrame(1, [':method', 'CONNECT', ':authority', 'a:1'], false)]],
  ['an upload that was refused and never ends', [], [headersFrame(1, requestFieldsOf('/a/../b', [], 'POST'), false)]]
]

for (const [index, [what, settings, frames]] of LOST.entries()) {
  for (const leaves of index === 0 ? [false, true] : [false]) {
    http2Scenario(`${what}${leaves ? ', its client gone,' : ''} does not keep its session`, async (s, t) => {
      const gateway = await s.gateway([await s.origin('a')], {
        env: { CLIENT_KEEP_ALIVE_TIMEOUT_MS: '60' },
        extend: (app) => { app.get('/own', async () => 'mine') }
      })
      const wire = await s.wire(gateway, Buffer.concat([PREFACE, settingsFrame(settings), ...frames]))
      await until('it has come', () => gateway.app.intake.size === 1)
      if (leaves) await wire.leave()
      else await wire.ended
      await until('the session is gone', () => gateway.app.intake.size === 0)
      t.equal(gateway.inFlight, 0)
    })
  }
}

http2Scenario('a preface that is not finished in time is refused, and one with nothing behind it ends', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { CLIENT_HEADERS_TIMEOUT_MS: '60', CLIENT_KEEP_ALIVE_TIMEOUT_MS: '60' } })
  const half = await s.client(gateway)
  half.send(PREFACE.subarray(0, 20))
  t.equal((await half.answer()).status, 408)
  const silent = await s.wire(gateway, PREFACE)
  silent.acknowledges = false
  await silent.ended
})

/** The begin of a request that is never finished. */
const UNFINISHED: ReadonlyArray<readonly [what: string, bytes: Buffer]> = [
  ['a head without its end', frame(FrameType.headers, Flag.endStream, 3, fieldBlock(requestFieldsOf('/')))],
  ['half a frame', headersFrame(3, requestFieldsOf('/'), true).subarray(0, 20)]
]

for (const [what, bytes] of UNFINISHED) {
  http2Scenario(`${what} is not waited for beyond its time`, async (s) => {
    const gateway = await s.gateway([await s.origin('a')], { env: { CLIENT_HEADERS_TIMEOUT_MS: '60', CLIENT_KEEP_ALIVE_TIMEOUT_MS: '60' } })
    const wire = await s.wire(gateway)
    await wire.settled()
    wire.send(bytes)
    await wire.ended
  })

  http2Scenario(`${what} does not hold up the end of the gateway`, async (s, t) => {
    const gateway = await s.gateway([await s.origin('a')])
    const wire = await s.wire(gateway)
    await wire.settled()
    // When the first request is answered, all of this has been read.
    wire.send(headersFrame(1, requestFieldsOf('/'), true), bytes)
    await wire.streamEnd(1)
    const closed = gateway.app.close().then(() => 'closed')
    t.equal(await Promise.race([closed, within('the gateway closes', closed, 1_500).catch(() => 'waits')]), 'closed')
  })
}

http2Scenario('a client that takes nothing of its answer is cut after CLIENT_SEND_TIMEOUT_MS', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', answer({ body: 'x'.repeat(1_000_000) }), answer({ body: 'small' }))], { env: { CLIENT_SEND_TIMEOUT_MS: '60' } })
  const wire = await s.wire(gateway, Buffer.concat([PREFACE, settingsFrame([[INITIAL_WINDOW, 0]])]))
  for (const stream of [1, 3]) wire.get(stream, '/')
  for (const stream of [1, 3]) {
    const end = await wire.streamEnd(stream)
    t.same([end.type, codeOf(end)], [FrameType.rstStream, ErrorCode.internalError])
    t.equal(wire.bodyOf(stream), '')
  }
  await until('nothing in flight', () => gateway.inFlight === 0)
  t.equal(gateway.app.intake.size, 1)
})

http2Scenario('a client that takes its answer slowly is not cut', async (s, t) => {
  const part = 'x'.repeat(16_384)
  const parts = 40
  const origin = await s.scripted('a', answerInParts((async function * () {
    for (let i = 0; i < parts; i++) yield part
  })()))
  const gateway = await s.gateway([origin], { env: { CLIENT_SEND_TIMEOUT_MS: '1000' } })
  const wire = await s.wire(gateway, Buffer.concat([PREFACE, settingsFrame([[INITIAL_WINDOW, 0]])]))
  wire.get(1, '/')
  t.equal(statusIn(await wire.wait({ type: FrameType.headers, stream: 1 })), 200)
  for (let taken = 1; taken <= parts; taken++) {
    wire.send(windowFrame(0, part.length), windowFrame(1, part.length))
    await until('the next part', () => wire.bodyOf(1).length === taken * part.length)
    await wait(30)
  }
  // The end is not sent into a window of nothing.
  wire.send(windowFrame(0, 1), windowFrame(1, 1))
  t.equal((await wire.streamEnd(1)).type, FrameType.data)
})

http2Scenario('the gateway that closes finishes what is under way, and takes nothing new', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'late' })))
  const gateway = await s.gateway([origin])
  const wire = await s.wire(gateway)
  wire.get(1, '/')
  await until('the request has arrived', () => origin.requests.length === 1)
  const closed = gateway.app.close()
  t.equal(codeOf(await wire.wait({ type: FrameType.goaway })), ErrorCode.noError)
  wire.get(3, '/')
  wire.send(frame(FrameType.ping, 0, 0, Buffer.alloc(8)))
  await until('the ping is answered', () => wire.frames.some(({ type, flags }) => type === FrameType.ping && (flags & Flag.ack) !== 0))
  letAnswer()
  await wire.streamEnd(1)
  t.equal(wire.bodyOf(1), 'late')
  await within('the gateway closes', closed)
  t.equal(await wire.ended, 'fin')
  t.equal(origin.requests.length, 1)
})

http2Scenario('idle sessions do not hold up the end of the gateway, and those that are cut get an error', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', never)])
  const [idle, busy] = [await s.session(gateway), await s.session(gateway)]
  const stream = openStream(busy)
  const code = closeOf(stream)
  await until('it is under way', () => gateway.inFlight === 1)
  const closed = gateway.app.close()
  await until('the idle one is gone', () => idle.destroyed)
  t.equal(busy.destroyed, false)
  gateway.app.intake.destroyAll()
  await within('the gateway closes', closed)
  t.not(await code, ErrorCode.noError)
  t.equal(gateway.inFlight, 0)
})
