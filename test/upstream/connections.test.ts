import { once } from 'node:events'
import * as http from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import type { UpstreamConnection } from '../../src/upstream/connection.ts'
import { Connections } from '../../src/upstream/connections.ts'
import { DeafListener } from '../kit/deaf-listener.ts'
import { portOf } from '../kit/port.ts'
import { until } from '../kit/until.ts'

interface Arranged {
  readonly connections: Connections
  /** The backend's side of each connection that was opened. */
  readonly sockets: readonly Socket[]
}

/**
 * Connections to a backend that answers with the port on which it sees the client, breaks off at /cut, and echoes what comes
 * through a tunnel.
 */
async function arrange (t: Test): Promise<Arranged> {
  const backend = http.createServer((request, response) => {
    if (request.url === '/cut') request.socket.destroy()
    else response.end(String(request.socket.remotePort))
  })
  const sockets: Socket[] = []
  backend.on('connection', (socket) => sockets.push(socket))
  backend.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const connections = new Connections(`http://127.0.0.1:${portOf(backend)}`, 5_000)
  t.teardown(async () => {
    connections.close()
    for (const socket of sockets) socket.destroy()
    backend.close()
    await once(backend, 'close')
  })
  return { connections, sockets }
}

/** undici asks for every callback, also for those that are of no interest here. */
const NO_INTEREST = { onRequestStart () {}, onResponseStart () {}, onResponseData () {}, onResponseEnd () {} }

/** Sends a GET and waits for the whole answer: the port of the connection. */
async function get (connection: UpstreamConnection, path = '/'): Promise<string> {
  const parts: Buffer[] = []
  return await new Promise((resolve, reject) => {
    connection.dispatch({ path, method: 'GET', reset: false }, {
      ...NO_INTEREST,
      onResponseData: (_controller, chunk) => { parts.push(chunk) },
      onResponseEnd: () => resolve(Buffer.concat(parts).toString()),
      onResponseError: (_controller, error) => reject(error)
    })
  })
}

async function openTunnel (connection: UpstreamConnection): Promise<Duplex> {
  return await new Promise((resolve, reject) => {
    connection.dispatch({ path: '/', method: 'GET', reset: false, upgrade: 'echo' }, {
      ...NO_INTEREST,
      onRequestUpgrade: (_controller, _statusCode, _headers, socket) => resolve(socket),
      onResponseError: (_controller, error) => reject(error)
    })
  })
}

/** Free connections that have carried an answer each, the last given back last. */
async function freeConnections ({ connections }: Arranged, count: number): Promise<Array<{ connection: UpstreamConnection, port: string }>> {
  const taken = Array.from({ length: count }, () => connections.takeNew())
  const used = await Promise.all(taken.map(async (connection) => ({ connection, port: await get(connection) })))
  for (const { connection } of used) connections.giveBack(connection, 0)
  return used
}

t.test('a connection that was given back is taken again, and its socket used again', async (t) => {
  const { connections, sockets } = await arrange(t)
  const first = connections.take(0, true)
  const port = await get(first)
  connections.giveBack(first, 10)
  const second = connections.take(20, true)
  t.equal(second, first)
  t.equal(await get(second), port)
  t.equal(sockets.length, 1)
  t.equal(connections.size, 1)
})

t.test('a connection in use is not taken a second time', async (t) => {
  const { connections } = await arrange(t)
  const first = connections.take(0, true)
  connections.giveBack(first, 0)
  t.equal(connections.take(0, true), first)
  t.not(connections.take(0, true), first)
  t.equal(connections.size, 2)
})

t.test('of the free connections the one used last is taken first', async (t) => {
  const { connections } = await arrange(t)
  const [a, b, c] = [connections.takeNew(), connections.takeNew(), connections.takeNew()]
  for (const connection of [b, c, a]) connections.giveBack(connection, 0)
  t.equal(connections.take(0, true), a)
  connections.giveBack(a, 0)
  t.strictSame([1, 2, 3].map(() => connections.take(0, true) === a), [true, false, false])
  for (const connection of [a, b, c]) connections.giveBack(connection, 0)
  t.equal(connections.take(0, true), c)
  t.equal(connections.take(0, true), b)
  t.equal(connections.take(0, true), a)
})

t.test('a free connection that the backend closes is forgotten, wherever it stands in the list', async (t) => {
  for (const closed of [0, 1, 2]) {
    const arranged = await arrange(t)
    const { connections, sockets } = arranged
    const free = await freeConnections(arranged, 3)
    const [gone] = free.splice(closed, 1)
    sockets.find(({ remotePort }) => String(remotePort) === gone?.port)?.destroy()
    await until('the closed connection is forgotten', () => connections.size === 2)
    const taken = [connections.take(0, true), connections.take(0, true)]
    t.ok(taken[0] === free[1]?.connection && taken[1] === free[0]?.connection, `closed: ${closed}`)
    t.notOk([...free, gone].some((one) => one?.connection === connections.take(0, true)), 'no other was left')
  }
})

t.test('a connection in use that the backend closes is left to whoever uses it', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  const port = await get(connection)
  await t.rejects(get(connection, '/cut'))
  t.equal(connections.size, 1)
  t.not(await get(connection), port, 'it would open another socket')
})

t.test('a request that may be repeated takes a free connection of any age', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  connections.giveBack(connection, 1_000)
  t.equal(connections.take(1_000_000, true), connection)
})

t.test('a request that must not be repeated takes a connection used less than a second ago, else a new one', async (t) => {
  for (const [nowMs, isTaken] of [[1_000, true], [1_999, true], [2_000, false], [60_000, false]] as const) {
    const { connections } = await arrange(t)
    const connection = connections.takeNew()
    connections.giveBack(connection, 1_000)
    t.equal(connections.take(nowMs, false) === connection, isTaken, `${nowMs - 1_000} ms old`)
    t.equal(connections.size, isTaken ? 1 : 2)
  }
})

t.test('a connection that was passed over for its age stays free for others', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  connections.giveBack(connection, 0)
  connections.take(5_000, false)
  t.equal(connections.take(5_000, true), connection)
})

t.test('a new connection can be had while others are free', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  connections.giveBack(connection, 0)
  t.not(connections.takeNew(), connection)
  t.equal(connections.size, 2)
})

t.test('a connection that is discarded ends at once, free or in use, and is never taken again', async (t) => {
  for (const isFree of [true, false]) {
    const { connections, sockets } = await arrange(t)
    const connection = connections.takeNew()
    await get(connection)
    if (isFree) connections.giveBack(connection, 0)
    connections.discard(connection)
    t.equal(connections.size, 0)
    t.not(connections.take(0, true), connection)
    await until('the backend sees it end', () => sockets[0]?.destroyed)
  }
})

t.test('a connection that was discarded carries nothing any more', async (t) => {
  const { connections, sockets } = await arrange(t)
  const connection = connections.takeNew()
  await get(connection)
  connections.discard(connection)
  await t.rejects(get(connection))
  t.equal(sockets.length, 1)
})

t.test('a connection that was discarded cannot be given back', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  connections.discard(connection)
  connections.giveBack(connection, 0)
  t.equal(connections.size, 0)
  t.not(connections.take(0, true), connection)
})

t.test('discarding twice is discarding once', async (t) => {
  const { connections } = await arrange(t)
  const [connection, other] = [connections.takeNew(), connections.takeNew()]
  connections.giveBack(connection, 0)
  connections.giveBack(other, 0)
  connections.discard(connection)
  connections.discard(connection)
  t.equal(connections.size, 1)
  t.equal(connections.take(0, true), other)
})

t.test('discarding a connection that is just being opened leaves no socket', async (t) => {
  const { connections, sockets } = await arrange(t)
  const connection = connections.takeNew()
  const failed = t.rejects(get(connection))
  connections.discard(connection)
  await failed
  const other = await get(connections.takeNew())
  await until('only the other connection is left', () => sockets.every(({ remotePort, destroyed }) => destroyed || String(remotePort) === other))
})

t.test('discarding a connection to a backend that does not accept ends its socket at once', async (t) => {
  const backend = await DeafListener.start()
  t.teardown(async () => backend.stop())
  const socketsNow = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TCPConnectWrap').length
  const before = socketsNow()
  const connections = new Connections(backend.url, 60_000)
  const connection = connections.takeNew()
  const failed = t.rejects(get(connection))
  t.ok(socketsNow() > before)
  connections.discard(connection)
  await failed
  await until('no socket is left', () => socketsNow() === before)
})

t.test('discarding a connection that became a tunnel leaves its socket to the tunnel', async (t) => {
  const { connections } = await arrange(t)
  const connection = connections.takeNew()
  const tunnel = await openTunnel(connection)
  connections.discard(connection, true)
  t.equal(connections.size, 0)
  let echoed = ''
  tunnel.on('data', (chunk: Buffer) => { echoed += chunk.toString() })
  tunnel.write('still here')
  await until('the backend echoes', () => echoed === 'still here')
  tunnel.destroy()
})

t.test('closing ends all connections, free and in use, and none is taken again', async (t) => {
  const arranged = await arrange(t)
  const { connections, sockets } = arranged
  await freeConnections(arranged, 2)
  const inUse = connections.takeNew()
  await get(inUse)
  connections.close()
  t.equal(connections.size, 0)
  connections.giveBack(inUse, 0)
  t.not(connections.take(0, true), inUse)
  await until('the backend sees them end', () => sockets.length === 3 && sockets.every(({ destroyed }) => destroyed))
})
