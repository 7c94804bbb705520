import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { BEFORE_ANSWER, BETWEEN_CHUNKS, HalfClose } from '../../src/client/half-close.ts'
import { ByteReader, portOf, until } from '../helper.ts'

const FIRST_HALF = 'HTTP/1.1 100 Continue\r\n'

interface Pair {
  /** The gateway's end. */
  readonly server: Socket
  readonly client: Socket
  /** What the client reads. */
  readonly reader: ByteReader
}

/** Both ends of a connection whose client has ended its side; time stands still. */
async function halfClosed (t: Test): Promise<Pair> {
  const listener = createServer({ allowHalfOpen: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = new Promise<Socket>((resolve) => { listener.once('connection', resolve) })
  const client = connect({ port: portOf(listener), host: '127.0.0.1', allowHalfOpen: true })
  const server = await accepted
  server.resume()
  server.on('error', () => {})
  client.end('request')
  await once(server, 'end')
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => {
    mock.timers.reset()
    client.destroy()
    server.destroy()
    listener.close()
  })
  return { server, client, reader: new ByteReader(client) }
}

/** All that the client has read, once what was written has arrived. */
async function arrived ({ server, reader }: Pair): Promise<string> {
  const written = server.bytesWritten
  while (reader.received.length < written) await new Promise(setImmediate)
  return reader.received.toString()
}

t.test('after 200 ms the client gets half of a 100, and 300 ms later the other half', async (t) => {
  const both = await halfClosed(t)
  const halfClose = new HalfClose(both.server)
  mock.timers.tick(199)
  t.equal(await arrived(both), '')
  mock.timers.tick(1)
  t.equal(await arrived(both), FIRST_HALF)
  mock.timers.tick(299)
  t.equal(await arrived(both), FIRST_HALF)
  mock.timers.tick(1)
  t.equal(await arrived(both), `${FIRST_HALF}\r\n`)
  halfClose.stop()
  t.equal(await arrived(both), `${FIRST_HALF}\r\n`)
})

t.test('a client that is still there is asked again every five seconds', async (t) => {
  const both = await halfClosed(t)
  const halfClose = new HalfClose(both.server)
  mock.timers.tick(200)
  mock.timers.tick(300)
  for (let times = 1; times < 4; times++) {
    mock.timers.tick(4_999)
    t.equal(await arrived(both), `${FIRST_HALF}\r\n`.repeat(times))
    mock.timers.tick(1)
    t.equal(await arrived(both), `${`${FIRST_HALF}\r\n`.repeat(times)}${FIRST_HALF}`)
    mock.timers.tick(300)
  }
  halfClose.stop()
})

t.test('stopped before the client was asked, it asks no more', async (t) => {
  const both = await halfClosed(t)
  const halfClose = new HalfClose(both.server)
  mock.timers.tick(150)
  halfClose.stop()
  mock.timers.tick(20_000)
  t.equal(await arrived(both), '')
})

t.test('an interim answer between the halves has the question finished first, and the client is asked again later', async (t) => {
  const both = await halfClosed(t)
  const halfClose = new HalfClose(both.server)
  halfClose.finishQuestion()
  t.equal(await arrived(both), '', 'there was no question')
  mock.timers.tick(200)
  halfClose.finishQuestion()
  both.server.write('HTTP/1.1 103 Early Hints\r\n\r\n')
  mock.timers.tick(300)
  const seen = `${FIRST_HALF}\r\nHTTP/1.1 103 Early Hints\r\n\r\n`
  t.equal(await arrived(both), seen)
  mock.timers.tick(5_000)
  t.equal(await arrived(both), seen + FIRST_HALF)
  halfClose.stop()
})

t.test('stopped between the halves, it ends the 100 at once, so that an answer can follow', async (t) => {
  const both = await halfClosed(t)
  const halfClose = new HalfClose(both.server)
  mock.timers.tick(200)
  halfClose.stop()
  both.server.write('HTTP/1.1 200 OK\r\n')
  mock.timers.tick(20_000)
  halfClose.stop()
  t.equal(await arrived(both), `${FIRST_HALF}\r\nHTTP/1.1 200 OK\r\n`)
})

t.test('a client that has left is found out by the second half: its connection closes', async (t) => {
  const { server, client } = await halfClosed(t)
  client.destroy()
  await once(client, 'close')
  const halfClose = new HalfClose(server)
  mock.timers.tick(200)
  t.notOk(server.destroyed)
  // The first half has to reach the client's kernel, and its reset has to come back.
  await until('the first half is sent', () => server.writableLength === 0)
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  mock.timers.tick(300)
  await until('it is closed', () => server.closed)
  halfClose.stop()
  mock.timers.tick(20_000)
})

t.test('between the chunks of an answer it asks once, with zeros that need no end', async (t) => {
  const both = await halfClosed(t)
  const halfClose = new HalfClose(both.server, BETWEEN_CHUNKS)
  mock.timers.tick(200)
  t.equal(await arrived(both), '0')
  mock.timers.tick(300)
  t.equal(await arrived(both), '00')
  mock.timers.tick(60_000)
  halfClose.stop()
  t.equal(await arrived(both), '00')
})

t.test('a chunk between the zeros, or the end of the watch, takes the second one away', async (t) => {
  for (const stop of ['finishQuestion', 'stop'] as const) {
    const both = await halfClosed(t)
    const halfClose = new HalfClose(both.server, BETWEEN_CHUNKS)
    mock.timers.tick(200)
    halfClose[stop]()
    mock.timers.tick(300)
    t.equal(await arrived(both), '0')
    mock.timers.reset()
  }
})

t.test('what does not fit any more is not asked, and not gone on with', async (t) => {
  const both = await halfClosed(t)
  for (const question of [BEFORE_ANSWER, BETWEEN_CHUNKS]) {
    const never = new HalfClose(both.server, question, () => false)
    mock.timers.tick(200)
    mock.timers.tick(300)
    t.equal(await arrived(both), '')
    never.stop()
  }
  let fits = true
  const halfway = new HalfClose(both.server, BETWEEN_CHUNKS, () => fits)
  mock.timers.tick(200)
  fits = false
  mock.timers.tick(300)
  t.equal(await arrived(both), '0')
  halfway.stop()
})
