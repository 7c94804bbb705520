/** Which session carries the next exchange. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { backendAddress } from '../../src/upstream/backend-address.ts'
import { Http2Connections } from '../../src/upstream/http2-connections.ts'
import { Http2Origin, type Http2OriginOptions, type StreamHandler } from '../kit/http2-origin.ts'
import { portOf } from '../kit/port.ts'
import { until } from '../kit/until.ts'
import { GET, Listener, refusingAddress, SOCKET_OPTIONS } from './raw-backend.ts'

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
  t.equal(connections.takeNew().isUsed, false)
  t.equal(connections.size, 2)
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
