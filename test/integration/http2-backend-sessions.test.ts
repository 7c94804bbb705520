/** Sessions with backends of HTTP/2 that refuse, fall silent or end: what goes where, and over how many connections. */
import {
  call, ErrorCode, type FrameScript, FrameType, Flag, type Gateway, goawayFrame, headersFrame, http2Scenario, type Http2Wire, okFrame, rstFrame, settingsFrame, until
} from '../helper.ts'

/** SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, section 6.5.2). */
const MAX_CONCURRENT_STREAMS = 3

/** Answers the first request, so that its session is a used one, and leaves the others to `speak`. */
function afterFirst (speak: (wire: Http2Wire, stream: number) => void): FrameScript {
  let isFirst = true
  return (frame, wire) => {
    if (frame.type !== FrameType.headers) return
    if (isFirst) wire.send(okFrame(frame.stream, true))
    else speak(wire, frame.stream)
    isFirst = false
  }
}

async function statuses (gateway: Gateway, method: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const all = await Promise.all(Array.from({ length: count }, async () => (await call(gateway.url, { method })).status))
  for (const status of all) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function requestsOn (wire: Http2Wire | undefined): number {
  return wire?.frames.filter(({ type }) => type === FrameType.headers).length ?? 0
}

http2Scenario('streams that are reset on a used session: a GET fails like any other, and the session goes on', async (s, t) => {
  const bad = await s.rawHttp2Origin('bad', afterFirst((wire, stream) => wire.send(rstFrame(stream, ErrorCode.internalError))))
  const gateway = await s.gateway([bad])
  await call(gateway.url)
  for (let i = 0; i < 5; i++) t.equal((await call(gateway.url)).status, 502)
  t.same([bad.wires.length, requestsOn(bad.wires[0])], [1, 6])
  t.match(gateway.logs.of('proxy error')[0], { code: 'FL_UPSTREAM_RESET', cause: /INTERNAL_ERROR/, retry: 'no' })
})

http2Scenario('streams that are reset on a used session: a GET goes to the next backend, a POST nowhere', async (s, t) => {
  const bad = await s.rawHttp2Origin('bad', afterFirst((wire, stream) => wire.send(rstFrame(stream, ErrorCode.internalError))))
  const good = await s.http2Origin('good')
  const gateway = await s.gateway([bad, good])
  await statuses(gateway, 'GET', 2)
  t.equal((await call(gateway.url)).text, 'good')
  await call(gateway.url)
  t.equal((await call(gateway.url, { method: 'POST' })).status, 502)
  t.equal(bad.wires.length, 1)
})

for (const method of ['GET', 'POST']) {
  http2Scenario(`a ${method} that is refused on a used session is sent once more, over a session that is there`, async (s, t) => {
    let refusals = 0
    const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => wire.send(refusals++ === 0 ? rstFrame(stream, ErrorCode.refusedStream) : okFrame(stream, true))))
    const gateway = await s.gateway([origin])
    await call(gateway.url)
    t.equal((await call(gateway.url, { method })).status, 200)
    t.same([refusals, origin.wires.length], [2, 1])
    t.match(gateway.logs.of('proxy error'), [{ code: 'FL_UPSTREAM_REFUSED', retry: 'same-backend' }])
  })
}

http2Scenario('a POST that is refused behind the head of its answer was looked at, and is not sent again', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => wire.send(headersFrame(stream, [':status', '204'], false), rstFrame(stream, ErrorCode.refusedStream))))
  const gateway = await s.gateway([origin])
  await call(gateway.url)
  t.equal((await call(gateway.url, { method: 'POST' })).status, 502)
  t.same([origin.wires.length, requestsOn(origin.wires[0])], [1, 2])
})

http2Scenario('a backend that refuses everything is asked twice, over one connection', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => wire.send(rstFrame(stream, ErrorCode.refusedStream))))
  const gateway = await s.gateway([origin])
  await call(gateway.url)
  t.same(await statuses(gateway, 'POST', 20), { 502: 20 })
  t.same([origin.wires.length, requestsOn(origin.wires[0])], [1, 41])
})

for (const [what, code, leaves] of [['GOAWAY', ErrorCode.noError, false], ['GOAWAY with an error', ErrorCode.internalError, false], ['GOAWAY with an error and the end', ErrorCode.enhanceYourCalm, true]] as const) {
  for (const method of ['GET', 'POST']) {
    http2Scenario(`${what} that leaves 20 ${method}s out: they are sent again, over one new session`, async (s, t) => {
      let requests = 0
      const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => {
        if (wire !== origin.wires[0]) return wire.send(okFrame(stream, true))
        if (++requests < 20) return
        wire.send(goawayFrame(1, code))
        if (leaves) wire.socket.end()
      }))
      const gateway = await s.gateway([origin])
      await call(gateway.url)
      t.same(await statuses(gateway, method, 20), { 200: 20 })
      t.equal(origin.wires.length, 2)
    })
  }
}

http2Scenario('GOAWAY in the first burst of a session: what it leaves out is sent again, over one new session', async (s, t) => {
  const streams: number[] = []
  const origin = await s.rawHttp2Origin('a', (frame, wire) => {
    if (frame.type !== FrameType.headers) return
    if (wire !== origin.wires[0]) return wire.send(okFrame(frame.stream, true))
    streams.push(frame.stream)
    if (streams.length < 20) return
    wire.send(...streams.slice(0, 10).map((stream) => okFrame(stream, true)), goawayFrame(streams[9] ?? 0, ErrorCode.noError))
  })
  const gateway = await s.gateway([origin])
  t.same(await statuses(gateway, 'POST', 20), { 200: 20 })
  t.equal(origin.wires.length, 2)
})

http2Scenario('GOAWAY with an error: a POST that it does not leave out may have been processed, and is not sent again', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => {
    if (wire === origin.wires[0]) wire.send(goawayFrame(stream, ErrorCode.refusedStream))
    else wire.send(okFrame(stream, true))
  }))
  const gateway = await s.gateway([origin])
  await call(gateway.url)
  t.match(await call(gateway.url, { method: 'POST' }), { status: 502 })
  t.match(gateway.logs.of('proxy error'), [{ code: 'FL_UPSTREAM_RESET', retry: 'no' }])
})

http2Scenario('a session that breaks under many GETs: they are sent again, over one new session', async (s, t) => {
  let requests = 0
  const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => {
    if (wire !== origin.wires[0]) wire.send(okFrame(stream, true))
    else if (++requests === 20) wire.socket.resetAndDestroy()
  }))
  const gateway = await s.gateway([origin])
  await call(gateway.url)
  t.same(await statuses(gateway, 'GET', 20), { 200: 20 })
  t.equal(origin.wires.length, 2)
})

http2Scenario('a session that has fallen silent gets nothing new after a timeout', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => {
    if (wire === origin.wires[0]) wire.acknowledges = false
    else wire.send(okFrame(stream, true))
  }))
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '100' } })
  const found: number[] = []
  for (let i = 0; i < 5; i++) found.push((await call(gateway.url)).status)
  t.same(found, [200, 504, 200, 200, 200])
  t.same(origin.wires.map(requestsOn), [2, 3])
  t.ok(origin.wires[0]?.frames.some(({ type, flags }) => type === FrameType.ping && (flags & Flag.ack) === 0), 'it was asked whether it is still there')
})

http2Scenario('a session that is alive carries on after a timeout', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => { if (stream !== 3) wire.send(okFrame(stream, true)) }))
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '100' } })
  await call(gateway.url)
  t.equal((await call(gateway.url)).status, 504)
  await until('the ping is acknowledged', async () => {
    await call(gateway.url)
    return requestsOn(origin.wires[0]) > 2
  })
  t.ok(origin.wires.length <= 2)
})

http2Scenario('a client that leaves says nothing of the session', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', afterFirst((wire, stream) => { if (stream !== 3) wire.send(okFrame(stream, true)) }))
  const gateway = await s.gateway([origin])
  await call(gateway.url)
  const client = await s.client(gateway)
  client.get('/')
  await until('it has arrived', () => requestsOn(origin.wires[0]) === 2)
  await client.leave()
  await until('nothing in flight', () => gateway.inFlight === 0)
  await call(gateway.url)
  t.same([origin.wires.length, requestsOn(origin.wires[0])], [1, 3])
  t.notOk(origin.wires[0]?.frames.some(({ type }) => type === FrameType.ping))
})

http2Scenario('a backend that takes no streams at all is waited for, over two connections', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', (frame, wire) => {
    if (frame.type === FrameType.settings && (frame.flags & Flag.ack) === 0) wire.send(settingsFrame([[MAX_CONCURRENT_STREAMS, 0]]))
    if (frame.type === FrameType.headers) wire.send(okFrame(frame.stream, true))
  })
  const gateway = await s.gateway([origin])
  // What is sent before a session has said so is answered.
  for (let i = 0; i < 2; i++) t.equal((await call(gateway.url)).status, 200)
  const waiting = Array.from({ length: 10 }, async () => await call(gateway.url))
  await until('they wait', () => gateway.inFlight === 10)
  t.equal(gateway.app.engine.connectionCount, 2)
  for (const wire of origin.wires) wire.send(settingsFrame([[MAX_CONCURRENT_STREAMS, 100]]))
  t.same(new Set((await Promise.all(waiting)).map(({ status }) => status)), new Set([200]))
})
