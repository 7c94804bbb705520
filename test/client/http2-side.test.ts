/** HTTP/2 on connections that somebody else has accepted. */
import { once } from 'node:events'
import type { ClientHttp2Session, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { beginsLikeHttp2, Http2Side } from '../../src/client/http2-side.ts'
import { closeOf, closeSession, http2Call, openSession, openStream, wholeAnswer } from '../kit/http2-client.ts'
import { PREFACE } from '../kit/http2-frames.ts'
import { portOf } from '../kit/port.ts'
import { until } from '../kit/until.ts'

type Serve = (request: Http2ServerRequest, response: Http2ServerResponse) => void

interface Arranged {
  readonly side: Http2Side
  readonly connect: () => Promise<ClientHttp2Session>
}

async function arrange (t: Test, serve: Serve, idleTimeoutMs = 60_000): Promise<Arranged> {
  const side = new Http2Side({ maxStreams: 10, maxFields: 10, maxHeadBytes: 10_000, idleTimeoutMs, serve, refuseConnect: refusing })
  const server = createServer((socket) => side.accept(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    side.destroyAll()
    server.close()
  })
  return {
    side,
    connect: async () => {
      const session = await openSession(`http://127.0.0.1:${portOf(server)}`)
      t.teardown(() => closeSession(session))
      return session
    }
  }
}

const answering: Serve = (_request, response) => { response.end('served') }

const refusing: Serve = (_request, response) => {
  response.writeHead(405)
  response.end('refused')
}

t.test('the preface is told at its last byte, anything else at the first byte that differs', (t) => {
  for (let length = 0; length < PREFACE.length; length++) {
    t.equal(beginsLikeHttp2(PREFACE.subarray(0, length)), undefined, `${length} bytes`)
    const other = Buffer.from(PREFACE.subarray(0, length + 1))
    other[length] = 0x2d
    t.equal(beginsLikeHttp2(other), false, `byte ${length} differs`)
  }
  t.equal(beginsLikeHttp2(PREFACE), true)
  t.equal(beginsLikeHttp2(Buffer.concat([PREFACE, Buffer.from('more')])), true)
  t.equal(beginsLikeHttp2(Buffer.from('GET / HTTP/1.1\r\n')), false)
  t.equal(beginsLikeHttp2(Buffer.from('PROPFIND / HTTP/1.1\r\n')), false)
  t.end()
})

t.test('sessions are known as long as they are open', async (t) => {
  const { side, connect } = await arrange(t, answering)
  const sessions = [await connect(), await connect()]
  for (const session of sessions) t.equal((await http2Call(session)).text, 'served')
  t.equal(side.size, 2)
  for (const session of sessions) session.close()
  await until('both are gone', () => side.size === 0)
})

t.test('requests with an expectation, known or not, are served like all others', async (t) => {
  const expectations: unknown[] = []
  const { connect } = await arrange(t, (request, response) => {
    expectations.push(request.headers.expect)
    response.end('served')
  })
  const session = await connect()
  for (const expect of ['100-continue', '100-Continue', 'else']) t.equal((await http2Call(session, { method: 'PUT', fields: ['expect', expect], body: 'x' })).text, 'served')
  t.same(expectations, ['100-continue', '100-Continue', 'else'])
})

t.test('after close() what is under way finishes, and later sessions get nothing', async (t) => {
  const waiting: Http2ServerResponse[] = []
  const { side, connect } = await arrange(t, (_request, response) => { waiting.push(response) })
  const [busy, idle] = [await connect(), await connect()]
  const late = http2Call(busy)
  await until('it is under way', () => waiting.length === 1)
  side.close()
  await until('the idle one is gone', () => idle.destroyed)
  const next = await connect()
  await until('the later one is gone', () => next.destroyed && side.size === 1)
  waiting[0]?.end('late')
  t.equal((await late).text, 'late')
  await until('all are gone', () => side.size === 0)
  t.equal(waiting.length, 1)
})

t.test('destroyAll() ends what is under way with an error', async (t) => {
  const waiting: Http2ServerResponse[] = []
  const { side, connect } = await arrange(t, (_request, response) => { waiting.push(response) })
  const stream = openStream(await connect())
  const closed = closeOf(stream)
  await until('it is under way', () => waiting.length === 1)
  side.destroyAll()
  t.not(await closed, 0)
  t.equal(side.size, 0)
})

t.test('a CONNECT is handed to who refuses it, and is no request', async (t) => {
  let served = 0
  const { connect } = await arrange(t, () => { served++ })
  const stream = (await connect()).request({ ':method': 'CONNECT', ':authority': 'other.test:443' })
  stream.on('error', () => {})
  t.match(await wholeAnswer(stream), { status: 405, text: 'refused' })
  t.equal(served, 0)
})

t.test('a session on which nobody works any more ends after two times of silence, whatever its streams say; one at work does not', async (t) => {
  const waiting: Http2ServerResponse[] = []
  const { side, connect } = await arrange(t, (request, response) => {
    if (request.url === '/held') waiting.push(response)
    else response.end('x'.repeat(100_000))
  }, 50)
  const [lost, busy] = [await connect(), await connect()]
  // Nobody reads it, so that its window is soon used up.
  openStream(lost, { path: '/lost' }).pause()
  const late = wholeAnswer(openStream(busy, { path: '/held' }))
  await until('the lost one is gone', () => lost.destroyed && side.size === 1)
  t.equal(busy.destroyed, false)
  waiting[0]?.end('late')
  t.equal((await late).text, 'late')
  await until('the other is gone too', () => side.size === 0)
})
