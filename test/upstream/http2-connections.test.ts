/** Which session carries the next exchange. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { backendAddress } from '../../src/upstream/backend-address.ts'
import { failureOf } from '../../src/upstream/failure.ts'
import { Http2Connections } from '../../src/upstream/http2-connections.ts'
import { RequestBody } from '../../src/upstream/request-body.ts'
import { ErrorCode } from '../kit/http2-frames.ts'
import { Http2Origin, type Http2OriginOptions, type StreamHandler } from '../kit/http2-origin.ts'
import { portOf } from '../kit/port.ts'
import { RawHttp2Origin } from '../kit/raw-http2-origin.ts'
import { until } from '../kit/until.ts'
import { GET, Listener, refusingAddress, SOCKET_OPTIONS } from './raw-backend.ts'

/** Where Node tells of each stream that it makes. */
const STREAM_CREATED = 'http2.client.stream.created'

/** What a backend is asked at a time before it has said how much it takes. */
const STREAMS_UNTIL_TOLD = 100

interface Arranged {
  readonly connections: Http2Connections
  readonly origin: Http2Origin
}

async function arrange (t: Test, handler?: StreamHandler, options?: Http2OriginOptions): Promise<Arranged> {
  const origin = await Http2Origin.start('a', handler, options)
  const connections = new Http2Connections(backendAddress(origin.url), SOCKET_OPTIONS)
  t.teardown(async () => {
    connections.close()
    await until('no connection is left', () => origin.connections === 0)
    await origin.stop()
  })
  return { connections, origin }
}

/** An exchange from its begin to its end. */
async function exchange (connections: Http2Connections): Promise<Listener> {
  const listener = new Listener()
  const carrier = connections.take()
  carrier.send(GET, listener)
  await listener.over()
  connections.release(carrier)
  return listener
}

/** A body that comes in parts, with fields behind it. */
function streamedBody (parts: readonly string[], trailers: readonly string[]): RequestBody {
  const body = new RequestBody({
    source: Readable.from(parts.map((part) => Buffer.from(part))),
    length: undefined,
    maxBytes: 0,
    mayCollect: true,
    timeouts: new TimeoutQueue(1_000),
    trailers: () => [...trailers],
    owner: { bodyRead () {}, bodyBroken () {}, bodyTooLarge () {}, bodyStalled () {} }
  })
  body.prepare(() => {})
  return body
}

/** Node's types do not know of the number. */
interface Created {
  readonly stream: { readonly session: { setNextStreamID (id: number): void } }
}

function isCreated (message: unknown): message is Created {
  return typeof message === 'object' && message !== null && 'stream' in message
}

t.test('exchanges share a session, one after the other and at a time', async (t) => {
  const { connections, origin } = await arrange(t)
  for (let i = 0; i < 3; i++) t.equal((await exchange(connections)).body, 'a')
  await Promise.all(Array.from({ length: 50 }, async () => t.equal((await exchange(connections)).events.at(-1), 'end')))
  t.strictSame([connections.size, origin.sessionsUsed.size], [1, 1])
})

t.test('a session that has carried an answer is a used one', async (t) => {
  const { connections } = await arrange(t)
  const first = connections.take()
  t.equal(first.isUsed, false)
  connections.release(first)
  await exchange(connections)
  t.equal(connections.take().isUsed, true)
  connections.takeNew()
})

t.test('a session becomes a used one for those that are under way on it too', async (t) => {
  const { connections } = await arrange(t)
  const waiting = connections.take()
  await exchange(connections)
  t.equal(waiting.isUsed, true)
})

t.test('a second try shares a session with room, best one that has carried nothing yet, and does not count as on a used one', async (t) => {
  const { connections } = await arrange(t, undefined, { settings: { maxConcurrentStreams: 2 } })
  await exchange(connections)
  const second = connections.takeNew()
  t.strictSame([connections.size, second.session.isUsed, second.isUsed], [1, true, false])
  connections.take()
  const fresh = connections.takeNew()
  t.strictSame([connections.size, fresh.session.isUsed], [2, false])
  connections.release(second)
  t.equal(connections.takeNew().session, fresh.session)
})

t.test('a session that was silent for too long gets nothing new until it has acknowledged a PING', async (t) => {
  const { connections, origin } = await arrange(t)
  await exchange(connections)
  const { session } = connections.take()
  session.suspect()
  session.suspect()
  t.strictSame([session.hasRoom, session.hasEnded], [false, false])
  t.not(connections.take().session, session)
  await until('it is back', () => session.hasRoom)
  t.equal(connections.take().session, session)
  t.equal(origin.connections, 2)
})

t.test('a session that does not acknowledge it is ended, and what is under way on it fails', async (t) => {
  const origin = await RawHttp2Origin.start('a', (_frame, wire) => { wire.acknowledges = false })
  const connections = new Http2Connections(backendAddress(origin.url), { ...SOCKET_OPTIONS, pingTimeoutMs: 50 })
  t.teardown(async () => await origin.stop())
  // What it takes for a probe.
  await exchange(connections)
  connections.close()
  const listener = new Listener()
  const carrier = connections.takeNew()
  carrier.send(GET, listener)
  await until('it has arrived', () => origin.wires[0]?.of(1).length === 1)
  carrier.suspect()
  t.equal((await listener.over()).at(-1), 'error FL_UPSTREAM_RESET')
  t.match(listener.error?.cause, { message: /PING/ })
  t.equal(failureOf(listener.error ?? new Error('none'), true).connectionEnded, true)
  await until('it is gone', () => connections.size === 0 && origin.connections === 0)
})

t.test('a session that has no number left for a stream gets nothing new', async (t) => {
  const { connections } = await arrange(t)
  const nearEnd = (message: unknown): void => {
    if (isCreated(message)) message.stream.session.setNextStreamID(2 ** 31 - 1)
    unsubscribe(STREAM_CREATED, nearEnd)
  }
  subscribe(STREAM_CREATED, nearEnd)
  const found: Array<string | undefined> = []
  for (let i = 0; i < 4; i++) found.push((await exchange(connections)).events.at(-1))
  t.strictSame(found, ['end', 'end', 'error FL_UPSTREAM_REFUSED', 'end'])
})

t.test('trailers that Node does not send end the exchange, and nothing else', async (t) => {
  const { connections, origin } = await arrange(t, async ({ stream, body }) => {
    await body().catch(() => {})
    if (stream.destroyed) return
    stream.respond({ ':status': 200 }, { endStream: true })
  })
  const listener = new Listener()
  const carrier = connections.take()
  const body = streamedBody(['part'], ['connection', 'close'])
  carrier.send({ ...GET, method: 'POST', body }, listener)
  t.equal((await listener.over()).at(-1), 'error FL_UPSTREAM_RESET')
  t.match(listener.error?.cause, { message: /connection/i })
  t.equal(failureOf(listener.error ?? new Error('none'), true).connectionEnded, false)
  connections.release(carrier)
  const seen = await until('it has arrived', () => origin.requests[0])
  t.equal(await seen?.closed, ErrorCode.cancel)
  t.equal((await exchange(connections)).events.at(-1), 'end')
  t.equal(origin.sessionsUsed.size, 1)
})

t.test('a head that Node does not send ends the exchange, and nothing else', async (t) => {
  const { connections } = await arrange(t)
  await exchange(connections)
  const listener = new Listener()
  connections.take().send({ ...GET, fields: ['connection', 'close'] }, listener)
  t.strictSame(await listener.over(), ['error FL_UPSTREAM_REFUSED'])
  t.strictSame([(await exchange(connections)).events.at(-1), connections.size], ['end', 1])
})

t.test('a session that is not open yet gets as many exchanges as any backend should take', async (t) => {
  const { connections } = await arrange(t)
  for (let i = 0; i < STREAMS_UNTIL_TOLD; i++) connections.take()
  t.equal(connections.size, 1)
  connections.take()
  t.equal(connections.size, 2)
})

t.test('a session is full when the backend says so, and has room again when an exchange is over', async (t) => {
  const { connections } = await arrange(t, undefined, { settings: { maxConcurrentStreams: 2 } })
  await exchange(connections)
  const [first] = [connections.take(), connections.take()]
  t.equal(connections.size, 1)
  connections.take()
  t.equal(connections.size, 2)
  connections.release(first)
  t.equal(connections.take().session, first.session)
})

t.test('a session that the backend gives up carries nothing new', async (t) => {
  const { connections, origin } = await arrange(t)
  await exchange(connections)
  for (const session of origin.sessions) session.close()
  await until('it is gone', () => connections.size === 0)
  t.equal((await exchange(connections)).body, 'a')
  t.equal(origin.sessionsUsed.size, 2)
})

t.test('an exchange that is given up before the session is open is never sent', async (t) => {
  const { connections, origin } = await arrange(t)
  const listener = new Listener()
  const carrier = connections.take()
  carrier.send(GET, listener)
  carrier.abort()
  connections.release(carrier)
  await exchange(connections)
  t.strictSame([listener.events, origin.requests.length], [[], 1])
})

t.test('close() ends all sessions, and exchanges on them fail', async (t) => {
  const { connections, origin } = await arrange(t, () => {})
  const listener = new Listener()
  connections.take().send(GET, listener)
  await until('it has arrived', () => origin.requests.length === 1)
  connections.close()
  t.equal((await listener.over()).at(-1), 'error FL_UPSTREAM_RESET')
  await until('all are gone', () => connections.size === 0 && origin.connections === 0)
})

t.test('a backend that refuses fails every exchange that waits, and is not remembered', async (t) => {
  const connections = new Http2Connections({ ...await refusingAddress(), protocol: 'h2' }, SOCKET_OPTIONS)
  const listeners = [new Listener(), new Listener()]
  for (const listener of listeners) connections.take().send(GET, listener)
  t.equal(connections.size, 1)
  for (const listener of listeners) {
    t.strictSame(await listener.over(), ['error FL_UPSTREAM_CONNECT_FAILED'])
    t.match(listener.error?.cause, { code: 'ECONNREFUSED' })
  }
  t.equal(connections.size, 0)
})

t.test('a backend that does not shake hands in time fails them too', async (t) => {
  const silent = createServer((socket) => { t.teardown(() => socket.destroy()) })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const connections = new Http2Connections(backendAddress(`h2://127.0.0.1:${portOf(silent)}`), { ...SOCKET_OPTIONS, connectTimeoutMs: 50 })
  const listener = new Listener()
  connections.take().send(GET, listener)
  t.strictSame(await listener.over(), ['error FL_UPSTREAM_CONNECT_TIMEOUT'])
  t.equal(connections.size, 0)
})
