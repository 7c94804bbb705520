/** Backends of HTTP/2 that refuse, reset, fall silent or leave; and clients that leave them. */
import { setTimeout as wait } from 'node:timers/promises'
import { resetConnection } from '../../src/client/reset.ts'
import {
  answerTo, call, codeOf, dataFrame, endsStream, ErrorCode, type FrameScript, FrameType, goawayFrame, headersFrame, http2Scenario, type Http2Wire, okFrame, open, parseObject,
  readAll, rstFrame, sendBytes, type StreamHandler, until
} from '../helper.ts'

/** Bodies up to this size can be sent again. */
const REPLAY_LIMIT_BYTES = 64 * 1024

/** A script that speaks on each request as soon as its head is there. */
function onRequest (speak: (wire: Http2Wire, stream: number) => void): FrameScript {
  return (frame, wire) => { if (frame.type === FrameType.headers) speak(wire, frame.stream) }
}

function resetting (code: number): StreamHandler {
  return ({ stream }) => stream.close(code)
}

async function codeFrom (url: string, method: string): Promise<unknown> {
  return parseObject((await call(url, { method })).text)['code']
}

for (const [method, body] of [['GET'], ['POST', 'small'], ['POST', 'x'.repeat(REPLAY_LIMIT_BYTES)]] as const) {
  http2Scenario(`a ${method} ${body === undefined ? '' : `with ${body.length} bytes `}that a backend refuses unprocessed goes to another one`, async (s, t) => {
    const refusing = await s.http2Origin('refusing', resetting(ErrorCode.refusedStream))
    const good = await s.http2Origin('good', async ({ stream, body: received }) => {
      const got = await received()
      stream.respond({ ':status': 200 })
      stream.end(got)
    })
    const gateway = await s.gateway([refusing, good])
    t.equal((await call(gateway.url, { method, ...(body !== undefined && { body }) })).text, body ?? '')
    t.same([refusing.requests.length, good.requests.length], [1, 1])
    t.match(gateway.logs.of('proxy error'), [{ backend: refusing.url, code: 'FL_UPSTREAM_REFUSED', retry: 'other-backend' }])
  })
}

http2Scenario('refused by every backend: 502', async (s, t) => {
  const origins = [await s.http2Origin('a', resetting(ErrorCode.refusedStream)), await s.http2Origin('b', resetting(ErrorCode.refusedStream))]
  const gateway = await s.gateway(origins)
  t.match(parseObject((await call(gateway.url)).text), { statusCode: 502, code: 'FL_UPSTREAM_REFUSED' })
})

for (const [what, code] of [['INTERNAL_ERROR', ErrorCode.internalError], ['CANCEL', ErrorCode.cancel], ['NO_ERROR', ErrorCode.noError]] as const) {
  http2Scenario(`reset before the head with ${what}: a GET goes to another backend, a POST gets a 502`, async (s, t) => {
    const bad = await s.rawHttp2Origin('bad', onRequest((wire, stream) => wire.send(rstFrame(stream, code))))
    const good = await s.http2Origin('good')
    const gateway = await s.gateway([bad, good])
    t.equal((await call(gateway.url)).text, 'good')
    await call(gateway.url)
    t.equal(await codeFrom(gateway.url, 'POST'), 'FL_UPSTREAM_RESET')
    t.match(gateway.app.pool.status().backends, [{ failures: 2 }, { failures: 0 }])
    t.equal(bad.wires.length, 1, 'the session goes on')
  })

  http2Scenario(`reset in the middle of a body with ${what}: the answer is cut`, async (s, t) => {
    const bad = await s.rawHttp2Origin('bad', onRequest((wire, stream) => wire.send(okFrame(stream, false), dataFrame(stream, 'part', false))))
    const gateway = await s.gateway([bad])
    const response = await answerTo(open(gateway.url).end())
    await until('the body has begun', () => response.readableLength > 0)
    bad.wires[0]?.send(rstFrame(1, code))
    await t.rejects(readAll(response), { code: 'ECONNRESET' })
    t.match(await gateway.logs.wait('answer cut'), [{ status: 200 }])
  })

  http2Scenario(`head, part of a body and a reset with ${what} in one go: no answer looks whole`, async (s, t) => {
    const bad = await s.rawHttp2Origin('bad', onRequest((wire, stream) => wire.send(okFrame(stream, false), dataFrame(stream, 'part', false), rstFrame(stream, code))))
    const gateway = await s.gateway([bad])
    const sent = call(gateway.url, { method: 'POST' }).then(({ status }) => status, () => 'cut')
    t.match(String(await sent), /^(502|cut)$/)
  })
}

http2Scenario('an answer that ends before its content-length is cut', async (s, t) => {
  const bad = await s.rawHttp2Origin('bad', onRequest((wire, stream) => {
    wire.send(headersFrame(stream, [':status', '200', 'content-length', '100'], false), dataFrame(stream, 'part', true))
  }))
  const gateway = await s.gateway([bad])
  t.match(String(await call(gateway.url, { method: 'POST' }).then(({ status }) => status, () => 'cut')), /^(502|cut)$/)
})

http2Scenario('an early answer is relayed while the upload runs, and the stream is ended', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', onRequest((wire, stream) => wire.send(headersFrame(stream, [':status', '413', 'content-length', '0'], true), rstFrame(stream, ErrorCode.noError))))
  const gateway = await s.gateway([origin])
  const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
  sent.write('some')
  const response = await answerTo(sent)
  t.equal(response.statusCode, 413)
  await readAll(response)
  sent.destroy()
  await until('nothing in flight', () => gateway.inFlight === 0)
  t.same(origin.wires[0]?.of(1).filter(endsStream), [], 'the upload never looks whole')
  t.equal((await call(gateway.url)).status, 413)
  t.equal(origin.wires.length, 1, 'the session goes on')
})

http2Scenario('an early answer without a reset: the gateway ends the upload', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', onRequest((wire, stream) => wire.send(headersFrame(stream, [':status', '413', 'content-length', '0'], true))))
  const gateway = await s.gateway([origin])
  const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
  sent.write('some')
  t.equal((await answerTo(sent)).statusCode, 413)
  const reset = await origin.wires[0]?.wait({ type: FrameType.rstStream, stream: 1 })
  t.equal(reset === undefined ? undefined : codeOf(reset), ErrorCode.cancel)
  t.same(origin.wires[0]?.of(1).filter(endsStream), [])
  sent.destroy()
})

http2Scenario('a client that leaves within its upload: the stream is cancelled, and the upload never looks whole', async (s, t) => {
  const origin = await s.rawHttp2Origin('a', () => {})
  const gateway = await s.gateway([origin])
  const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
  sent.write('some')
  const data = await until('the upload has begun', () => origin.wires[0]?.bodyOf(1) === 'some')
  t.ok(data)
  sent.destroy()
  const reset = await origin.wires[0]?.wait({ type: FrameType.rstStream, stream: 1 })
  t.equal(reset === undefined ? undefined : codeOf(reset), ErrorCode.cancel)
  t.same(origin.wires[0]?.of(1).filter(endsStream), [])
  await until('nothing in flight', () => gateway.inFlight === 0)
  t.match(gateway.logs.of('client gone'), [{ status: 499 }])
})

for (const isAnswering of [false, true]) {
  http2Scenario(`a client that leaves ${isAnswering ? 'within' : 'before'} the answer: the stream is cancelled, the session goes on`, async (s, t) => {
    const origin = await s.http2Origin('a', ({ stream, path }) => {
      if (path !== '/wait' || isAnswering) stream.respond({ ':status': 200 })
      if (path !== '/wait') stream.end('next')
      else if (isAnswering) stream.write('part')
    })
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/wait')
    if (isAnswering) await client.reader.upTo('part')
    const seen = await until('the request has arrived', () => origin.requests[0])
    await client.leave()
    t.equal(await seen?.closed, ErrorCode.cancel)
    await until('nothing in flight', () => gateway.inFlight === 0)
    t.equal((await call(gateway.url)).text, 'next')
    t.equal(origin.sessionsUsed.size, 1)
  })
}

http2Scenario('GOAWAY: what is under way finishes, and later requests open a new session', async (s, t) => {
  const held: Array<{ wire: Http2Wire, stream: number }> = []
  const origin = await s.rawHttp2Origin('a', onRequest((wire, stream) => {
    if (origin.wires.length > 1) wire.send(okFrame(stream, false), dataFrame(stream, 'new', true))
    else held.push({ wire, stream })
  }))
  const gateway = await s.gateway([origin])
  const early = [call(gateway.url), call(gateway.url)]
  await until('both have arrived', () => held.length === 2)
  origin.wires[0]?.send(goawayFrame(3, ErrorCode.noError))
  // The answer to a ping would tell that it was read, but the gateway's own next request does so as well.
  await until('the session is given up', async () => (await call(gateway.url, { path: '/later' }).catch(() => ({ text: '' }))).text === 'new')
  for (const { wire, stream } of held) wire.send(okFrame(stream, false), dataFrame(stream, 'old', true))
  t.same((await Promise.all(early)).map(({ text }) => text), ['old', 'old'])
  await until('the old session is closed', () => origin.connections === 1)
  t.equal((await call(gateway.url)).text, 'new')
})

http2Scenario('GOAWAY that leaves a request out: it was not processed, and goes elsewhere, POST or not', async (s, t) => {
  const bad = await s.rawHttp2Origin('bad', onRequest((wire) => wire.send(goawayFrame(0, ErrorCode.noError))))
  const good = await s.http2Origin('good')
  const gateway = await s.gateway([bad, good])
  for (const method of ['POST', 'GET', 'POST']) t.equal((await call(gateway.url, { method, ...(method === 'POST' && { body: 'x' }) })).text, 'good')
})

http2Scenario('a session that breaks: each GET on it goes elsewhere, each POST gets a 502, once', async (s, t) => {
  const bad = await s.http2Origin('bad', () => {})
  const good = await s.http2Origin('good')
  const gateway = await s.gateway([bad, good])
  const answers = ['GET', 'GET', 'POST', 'POST', 'GET', 'GET', 'POST', 'POST'].map(async (method) => {
    const { status, text } = await call(gateway.url, { method })
    return { method, status, text }
  })
  await until('half of them are there', () => bad.requests.length === 4)
  for (const session of bad.sessions) resetConnection(session.socket)
  const all = await Promise.all(answers)
  for (const { method, status, text } of all) if (method === 'GET') t.equal(`${status} ${text}`, '200 good')
  t.same(all.filter(({ status }) => status === 502).map(({ method }) => method), bad.requests.filter(({ method }) => method === 'POST').map(() => 'POST'))
})

for (const [env, code] of [['UPSTREAM_HEADERS_TIMEOUT_MS', 'FL_UPSTREAM_HEADERS_TIMEOUT'], ['REQUEST_TIMEOUT_MS', 'FL_REQUEST_TIMEOUT']] as const) {
  http2Scenario(`${env}: 504, and the stream is cancelled`, async (s, t) => {
    const origin = await s.http2Origin('a', () => {})
    const gateway = await s.gateway([origin], { env: { [env]: '60' } })
    t.match(parseObject((await call(gateway.url)).text), { statusCode: 504, code })
    t.equal(await origin.requests[0]?.closed, ErrorCode.cancel)
    t.equal(origin.sessions.size, 1, 'others on the session are not disturbed')
  })
}

http2Scenario('UPSTREAM_IDLE_TIMEOUT_MS: the answer is cut, and the stream is cancelled', async (s, t) => {
  const origin = await s.http2Origin('a', ({ stream }) => {
    stream.respond({ ':status': 200 })
    stream.write('part')
  })
  const gateway = await s.gateway([origin], { env: { UPSTREAM_IDLE_TIMEOUT_MS: '60' } })
  await t.rejects(call(gateway.url))
  t.equal(await origin.requests[0]?.closed, ErrorCode.cancel)
})

http2Scenario('a slow client holds its own stream back, and no other one', async (s, t) => {
  const total = 480
  const part = Buffer.alloc(65_536, 'x')
  let written = 0
  const origin = await s.http2Origin('a', async ({ stream, path }) => {
    stream.respond({ ':status': 200 })
    const parts = path === '/small' ? 0 : total
    for (; written < parts && !stream.destroyed; written++) await new Promise((resolve) => { stream.write(part, resolve) })
    stream.end('end')
  })
  const gateway = await s.gateway([origin])
  const response = await answerTo(open(gateway.url).end())
  let last = -1
  while (written !== last) {
    last = written
    await wait(100)
  }
  t.ok(written < total / 2, `${written} parts are under way`)
  t.equal((await call(gateway.url, { path: '/small' })).text, 'end')
  t.equal((await readAll(response)).length, total * part.length + 3)
  t.equal(origin.sessionsUsed.size, 1)
})

http2Scenario('a port that refuses, and a server that speaks HTTP/1: the next backend serves', async (s, t) => {
  const [refusing, old, good] = [await s.refusing(), await s.scripted('old', sendBytes('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')), await s.http2Origin('good')]
  const [a, b] = [refusing, old].map(({ url }) => ({ url: url.replace('http:', 'h2c:') }))
  if (a === undefined || b === undefined) throw new Error('no backends')
  const gateway = await s.gateway([a, b, good])
  t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /ECONNREFUSED/ }, { healthy: false }, { healthy: true }])
  for (const backend of [a, b]) gateway.declareHealthy(backend)
  for (let i = 0; i < 3; i++) t.equal((await call(gateway.url)).text, 'good')
  t.match(gateway.logs.of('proxy error').find(({ backend }) => backend === a.url), { code: 'FL_UPSTREAM_CONNECT_FAILED', cause: /ECONNREFUSED/ })
})

http2Scenario('an answer without a status, or with one that is none, is no answer', async (s, t) => {
  for (const fields of [['x-field', '1'], [':status', 'abc'], [':status', '99'], [':status', '200', 'x-upper', '1', 'X-Upper', '1']]) {
    const bad = await s.rawHttp2Origin('bad', onRequest((wire, stream) => wire.send(headersFrame(stream, fields, true))))
    const gateway = await s.gateway([bad, await s.http2Origin('good')])
    t.equal((await call(gateway.url)).text, 'good', fields.join())
  }
})
