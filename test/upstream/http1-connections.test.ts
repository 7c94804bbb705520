/** Which connection carries the next request. How the timer closes unused ones is tried with the process's timers held. */
import { channel } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { Http1Connection } from '../../src/upstream/http1-connection.ts'
import { Http1Connections } from '../../src/upstream/http1-connections.ts'
import { until } from '../kit/until.ts'
import { type Accepted, EMPTY_ANSWER, GET, Listener, OK, RawBackend, SOCKET_OPTIONS } from './raw-backend.ts'

interface Arranged {
  readonly connections: Http1Connections
  readonly backend: RawBackend
}

async function arrange (t: Test): Promise<Arranged> {
  const backend = await RawBackend.start(t)
  const connections = new Http1Connections(backend.address, SOCKET_OPTIONS)
  t.teardown(() => connections.close())
  return { connections, backend }
}

/** Opens connections, one after the other, so that the backend's are in the same order. */
async function open ({ connections, backend }: Arranged, count: number): Promise<Http1Connection[]> {
  const opened: Http1Connection[] = []
  for (let i = 0; i < count; i++) {
    const before = backend.accepted.length
    opened.push(connections.takeNew())
    await backend.connection(before)
  }
  return opened
}

/** Has a connection carry an exchange. */
async function use (connection: Http1Connection, accepted: Accepted, answer = EMPTY_ANSWER): Promise<string[]> {
  const listener = new Listener()
  connection.send(GET, listener)
  await accepted.request()
  accepted.send(answer)
  return await listener.over()
}

t.test('a connection that was released is taken again, and its socket used again', async (t) => {
  const arranged = await arrange(t)
  const { connections, backend } = arranged
  const first = connections.take(0, true)
  t.notOk(first.isUsed)
  await use(first, await backend.connection())
  connections.release(first, 10)
  const second = connections.take(20, true)
  t.equal(second, first)
  t.ok(second.isUsed)
  t.equal((await use(second, await backend.connection())).at(-1), 'end')
  t.strictSame([backend.accepted.length, connections.size], [1, 1])
})

t.test('a connection in use is not taken a second time', async (t) => {
  const { connections } = await arrange(t)
  const first = connections.take(0, true)
  connections.release(first, 0)
  t.equal(connections.take(0, true), first)
  t.not(connections.take(0, true), first)
  t.equal(connections.size, 2)
})

t.test('of the free connections the one used last is taken first', async (t) => {
  const arranged = await arrange(t)
  const { connections } = arranged
  const opened = await open(arranged, 3)
  const [a, b, c] = opened
  for (const connection of [b, c, a]) if (connection !== undefined) connections.release(connection, 0)
  t.equal(connections.take(0, true), a)
  if (a !== undefined) connections.release(a, 0)
  t.strictSame([1, 2, 3].map(() => opened.indexOf(connections.take(0, true))), [0, 2, 1])
  t.equal(opened.indexOf(connections.take(0, true)), -1, 'none is left')
  for (const connection of opened) connections.release(connection, 0)
  t.strictSame([1, 2, 3].map(() => opened.indexOf(connections.take(0, true))), [2, 1, 0])
})

t.test('a free connection that the backend ends is forgotten, wherever it stands in the list', async (t) => {
  for (const closed of [0, 1, 2]) {
    for (const how of ['end', 'resetAndDestroy'] as const) {
      const arranged = await arrange(t)
      const { connections, backend } = arranged
      const opened = await open(arranged, 3)
      for (const connection of opened) connections.release(connection, 0)
      backend.accepted[closed]?.socket[how]()
      await until('the closed connection is forgotten', () => connections.size === 2)
      t.strictSame([1, 2].map(() => opened.indexOf(connections.take(0, true))), [2, 1, 0].filter((index) => index !== closed), `${how} of ${closed}`)
      t.notOk(opened.includes(connections.take(0, true)), 'no other was left')
    }
  }
})

t.test('a free connection that ends or breaks is taken by nobody, not even before its socket has closed', async (t) => {
  for (const [event, how] of [['end', 'end'], ['error', 'resetAndDestroy']] as const) {
    const sockets = socketsOpened(t)
    const { connections, backend } = await arrange(t)
    const connection = connections.takeNew()
    const accepted = await backend.connection()
    await use(connection, accepted)
    connections.release(connection, 0)
    const [socket] = sockets
    if (socket === undefined) throw new Error('no socket was opened')
    const { promise, resolve } = Promise.withResolvers<boolean>()
    socket.once(event, () => resolve(connections.take(0, false) === connection))
    accepted.socket[how]()
    t.notOk(await promise, `${event}: what is sent on it would be lost`)
  }
})

t.test('a request that may be repeated takes a connection used less than 4 s ago', async (t) => {
  for (const [ageMs, isTaken] of [[0, true], [3_999, true], [4_000, false], [60_000, false]] as const) {
    const { connections } = await arrange(t)
    const connection = connections.takeNew()
    connections.release(connection, 1_000)
    t.equal(connections.take(1_000 + ageMs, true) === connection, isTaken, `${ageMs} ms old`)
    t.equal(connections.size, isTaken ? 1 : 2)
  }
})

t.test('a request that must not be repeated takes a connection used less than a second ago, else a new one', async (t) => {
  for (const [ageMs, isTaken] of [[0, true], [999, true], [1_000, false], [3_999, false]] as const) {
    const { connections } = await arrange(t)
    const connection = connections.takeNew()
    connections.release(connection, 1_000)
    t.equal(connections.take(1_000 + ageMs, false) === connection, isTaken, `${ageMs} ms old`)
    t.equal(connections.size, isTaken ? 1 : 2)
  }
})

t.test('a connection that was passed over for its age stays free for others', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  connections.release(connection, 0)
  t.not(connections.take(2_000, false), connection)
  t.equal(connections.take(2_000, true), connection)
})

t.test('a new connection can be had while others are free', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  connections.release(connection, 0)
  t.not(connections.takeNew(), connection)
  t.equal(connections.size, 2)
})

t.test('bytes behind an answer poison the connection: it is not taken again', async (t) => {
  const arranged = await arrange(t)
  const { connections, backend } = arranged
  const connection = connections.take(0, true)
  t.equal((await use(connection, await backend.connection(), `${EMPTY_ANSWER}${EMPTY_ANSWER}`)).at(-1), 'end')
  connections.release(connection, 0)
  t.equal(connections.size, 0)
  t.not(connections.take(0, true), connection)
})

t.test('an answer up to the end of the connection leaves none behind', async (t) => {
  const arranged = await arrange(t)
  const { connections, backend } = arranged
  const connection = connections.take(0, true)
  const accepted = await backend.connection()
  const listener = new Listener()
  connection.send(GET, listener)
  await accepted.request()
  accepted.sendAndEnd(`${OK}\r\nall`)
  await listener.over()
  connections.release(connection, 0)
  t.equal(connections.size, 0)
})

t.test('a connection that is released within an exchange ends', async (t) => {
  const arranged = await arrange(t)
  const { connections, backend } = arranged
  const connection = connections.take(0, true)
  const accepted = await backend.connection()
  connection.send(GET, new Listener())
  await accepted.request()
  connections.release(connection, 0)
  t.equal(connections.size, 0)
  await accepted.reader.ended
})

t.test('a tunnel counts until it is released, and is nobody else\'s', async (t) => {
  const arranged = await arrange(t)
  const { connections, backend } = arranged
  const connection = connections.take(0, true)
  const accepted = await backend.connection()
  const listener = new Listener()
  connection.send({ ...GET, upgrade: 'x' }, listener)
  await accepted.request()
  accepted.send('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n')
  await listener.over()
  t.equal(connections.size, 1)
  connections.release(connection, 0)
  t.equal(connections.size, 0)
  await accepted.reader.ended
  t.not(connections.take(0, true), connection)
})

t.test('a connection that has gone cannot be released', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  connection.abort()
  t.equal(connections.size, 0)
  connections.release(connection, 0)
  t.equal(connections.size, 0)
  t.not(connections.take(0, true), connection)
})

t.test('a connection of another backend cannot be released', async (t) => {
  const [one, other] = [await arrange(t), await arrange(t)]
  const connection = other.connections.takeNew()
  one.connections.release(connection, 0)
  t.not(one.connections.take(0, true), connection)
})

t.test('closing ends all connections, free and in use, and none is taken again', async (t) => {
  const arranged = await arrange(t)
  const { connections, backend } = arranged
  const opened = await open(arranged, 3)
  for (const connection of opened.slice(1)) connections.release(connection, 0)
  connections.close()
  t.equal(connections.size, 0)
  for (const { reader } of backend.accepted) await reader.ended
  t.notOk(opened.includes(connections.take(0, true)))
})

t.test('a connection that has not been used for 4 s is closed, and no other', async (t) => {
  const { connections } = await arrange(t)
  const [idle, recent, inUse] = [connections.takeNew(), connections.takeNew(), connections.takeNew()]
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const nowMs = performance.now()
    connections.release(idle, nowMs - 4_000)
    connections.release(recent, nowMs)
    mock.timers.tick(3_999)
    t.ok(idle.isReusable)
    mock.timers.tick(1)
    t.notOk(idle.isReusable)
    t.strictSame([recent.isReusable, inUse.isReusable], [true, true])
    t.equal(connections.size, 2)
  } finally {
    mock.timers.reset()
  }
})

/** The sockets that this process opens as a client until the test ends. */
function socketsOpened (t: Test): Socket[] {
  const sockets: Socket[] = []
  const onSocket = (message: unknown): void => {
    if (typeof message === 'object' && message !== null && 'socket' in message && message.socket instanceof Socket) sockets.push(message.socket)
  }
  channel('net.client.socket').subscribe(onSocket)
  t.teardown(() => channel('net.client.socket').unsubscribe(onSocket))
  return sockets
}
