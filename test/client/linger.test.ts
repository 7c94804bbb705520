import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { resetConnection } from '../../src/client/reset.ts'
import { isLingering, linger, lingerOnClose } from '../../src/client/linger.ts'
import { ByteReader, portOf, until } from '../helper.ts'

interface Pair {
  /** The gateway's end. */
  readonly server: Socket
  readonly client: Socket
  /** What the client reads. */
  readonly reader: ByteReader
}

/** Both ends of a connection. */
async function pair (t: Test): Promise<Pair> {
  const listener = createServer({ allowHalfOpen: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = new Promise<Socket>((resolve) => { listener.once('connection', resolve) })
  const client = connect({ port: portOf(listener), host: '127.0.0.1', allowHalfOpen: true })
  const server = await accepted
  t.teardown(() => {
    client.destroy()
    server.destroy()
    listener.close()
  })
  return { server, client, reader: new ByteReader(client) }
}

t.test('what was written before arrives, then FIN; what the client still sends is thrown away', async (t) => {
  const { server, client, reader } = await pair(t)
  const heard: Buffer[] = []
  server.on('data', (bytes: Buffer) => heard.push(bytes))
  client.write('heard')
  await until('the first bytes are heard', () => heard.length === 1)
  server.write('answer')
  // As the HTTP parser does when nobody reads the body.
  server.pause()
  linger(server)
  for (let i = 0; i < 50; i++) client.write(Buffer.alloc(200_000))
  t.equal((await reader.rest()).toString(), 'answer')
  await until('all of it is taken', () => client.writableLength === 0)
  t.equal(Buffer.concat(heard).toString(), 'heard')
  t.notOk(server.destroyed)
})

t.test('the connection is closed when the client ends its side', async (t) => {
  const { server, client, reader } = await pair(t)
  server.write('answer')
  linger(server)
  await until('the server has ended its side', () => server.writableFinished)
  t.notOk(server.destroyed)
  client.end('bye')
  await until('it is closed', () => server.closed)
  t.equal((await reader.rest()).toString(), 'answer')
})

t.test('a client that had ended its side before is not waited for', async (t) => {
  const { server, client, reader } = await pair(t)
  server.resume()
  client.end('request')
  await once(server, 'end')
  server.write('answer')
  linger(server)
  t.equal((await reader.rest()).toString(), 'answer')
  await until('it is closed', () => server.closed, 1_000)
})

t.test('a client that ends its side before it has read everything gets all of it', async (t) => {
  const { server, client, reader } = await pair(t)
  const body = Buffer.alloc(8 * 1024 * 1024, 'answer')
  client.pause()
  server.write(body)
  linger(server)
  client.end('bye')
  await until('the end has arrived', () => server.readableEnded || server.destroyed)
  client.resume()
  t.equal(await reader.rest().then((rest) => rest.equals(body), String), true)
})

t.test('a client that does not leave is listened to for two seconds', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { server } = await pair(t)
  linger(server)
  mock.timers.tick(1_999)
  t.notOk(server.destroyed)
  mock.timers.tick(1)
  t.ok(server.destroyed)
})

t.test('lingering once is enough, and a closed connection does not linger', async (t) => {
  const { server, client } = await pair(t)
  t.notOk(isLingering(server))
  linger(server)
  t.ok(isLingering(server))
  const listeners = server.listenerCount('end')
  linger(server)
  t.equal(server.listenerCount('end'), listeners)
  client.destroy()
  const other = await pair(t)
  other.server.destroy()
  linger(other.server)
  t.notOk(isLingering(other.server))
})

t.test('a connection that breaks while it lingers disturbs nobody', async (t) => {
  const { server, client } = await pair(t)
  linger(server)
  resetConnection(client)
  await until('it is closed', () => server.closed)
})

t.test('whoever closes the connection politely, as the HTTP server does, lingers, once that was asked for', async (t) => {
  const { server, client, reader } = await pair(t)
  lingerOnClose(server)
  t.notOk(isLingering(server))
  server.write('answer')
  for (let i = 0; i < 50; i++) client.write(Buffer.alloc(200_000))
  server.destroySoon()
  t.ok(isLingering(server))
  t.equal((await reader.rest()).toString(), 'answer')
  t.equal(reader.ending, 'fin')
})
