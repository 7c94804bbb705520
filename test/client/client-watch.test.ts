import { createServer } from 'node:http'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { ClientWatch } from '../../src/client/client-watch.ts'
import type { ClientReply } from '../../src/client/client-side.ts'
import { serveInTurn } from '../../src/client/pipeline.ts'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { portOf, RawClient, until } from '../helper.ts'

/** Short enough for a test that waits for it. */
const SEND_TIMEOUT_MS = 60

/** More than the buffers between the two ends hold. */
const LARGE = Buffer.alloc(24 * 1024 * 1024)

const HALF_A_100 = 'HTTP/1.1 100 Continue\r\n'

/** A request, its watch, and what that told. */
interface Watched {
  readonly reply: ClientReply
  readonly watch: ClientWatch
  closed: number
  readonly stalled: number[]
}

interface Arranged {
  readonly client: RawClient
  /** In the order of the requests. */
  readonly watched: readonly Watched[]
  /** The request that comes as number `count`. */
  readonly arrival: (count?: number) => Promise<Watched>
}

/** A server that watches its clients and leaves it to the test to answer them. */
async function arrange (t: Test): Promise<Arranged> {
  const watched: Watched[] = []
  const sendTimeouts = new TimeoutQueue(SEND_TIMEOUT_MS)
  const app = Fastify({ serverFactory: (handler) => createServer((raw, response) => serveInTurn(raw, response, handler)) })
  Object.assign(app.server, { httpAllowHalfOpen: true })
  // A hook may take its time; meanwhile the client may end its side.
  app.addHook('onRequest', async ({ raw }) => { if (raw.url === '/late') await until('the end of the client\'s side', () => raw.socket.readableEnded) })
  app.get('/*', (request, reply) => {
    reply.hijack()
    const told: { closed: number, readonly stalled: number[] } = { closed: 0, stalled: [] }
    const watch = new ClientWatch({
      raw: request.raw,
      reply,
      sendTimeouts,
      owner: {
        clientClosed: () => { told.closed++ },
        clientStalled: (timeoutMs) => { told.stalled.push(timeoutMs) }
      }
    })
    reply.raw.on('finish', () => watch.answered())
    watched.push(Object.assign(told, { reply, watch }))
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const client = await RawClient.connect(portOf(app.server))
  t.teardown(async () => {
    sendTimeouts.close()
    await client.leave()
    app.server.closeAllConnections()
    await app.close()
  })
  const arrival = async (count = 1): Promise<Watched> => {
    await until(`request ${count}`, () => watched.length >= count)
    const one = watched[count - 1]
    if (one === undefined) throw new Error(`no request ${count}`)
    return one
  }
  return { client, watched, arrival }
}

t.test('the end of an answer is told once', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  one.watch.answerBegins()
  one.reply.raw.end('body')
  await client.answer()
  await until('it is told', () => one.closed === 1)
  client.get('/')
  const other = await arrival(2)
  await client.leave()
  other.reply.raw.end('nobody reads this')
  await until('the other is told', () => other.closed > 0)
  t.same([one.closed, one.stalled, other.stalled], [1, [], []])
})

t.test('a client that takes nothing of its answer for too long is told of', async (t) => {
  const { client, arrival } = await arrange(t)
  client.socket.pause()
  client.get('/')
  const one = await arrival()
  one.watch.answerBegins()
  one.reply.raw.end(LARGE)
  one.watch.waitForClient()
  await until('it is told', () => one.stalled.length > 0)
  t.same(one.stalled, [SEND_TIMEOUT_MS])
  one.reply.raw.destroy()
  await until('it is closed', () => one.closed === 1)
})

t.test('a client that takes something has the whole time again, and one that took all of it is waited for no more', async (t) => {
  const { client, arrival } = await arrange(t)
  client.socket.pause()
  client.get('/')
  const one = await arrival()
  one.watch.answerBegins()
  one.reply.raw.write(LARGE)
  one.watch.waitForClient()
  one.watch.clientTook()
  await new Promise((resolve) => { setTimeout(resolve, 2 * SEND_TIMEOUT_MS) })
  t.same(one.stalled, [])
  client.socket.removeAllListeners('data').resume()
  one.reply.raw.end()
  await until('the answer is taken', () => one.closed === 1)
  one.watch.waitForClient()
  await new Promise((resolve) => { setTimeout(resolve, 2 * SEND_TIMEOUT_MS) })
  t.same(one.stalled, [])
})

t.test('a client that has ended its side is asked whether it is there, until its answer begins', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  client.socket.end()
  t.equal((await client.reader.upTo(HALF_A_100)).toString(), HALF_A_100)
  one.watch.answerBegins()
  one.reply.raw.end('body')
  t.equal((await client.reader.exactly(2)).toString(), '\r\n')
  t.equal((await client.answer()).body.toString(), 'body')
  t.equal(one.closed, 1)
})

t.test('it is asked as well if it had ended its side before the request was looked at', async (t) => {
  const { client, arrival } = await arrange(t)
  client.socket.end('GET /late HTTP/1.1\r\nhost: a\r\n\r\n')
  const one = await arrival()
  await client.reader.upTo(`${HALF_A_100}\r\n`)
  one.watch.answerBegins()
  one.reply.raw.end('body')
  t.equal((await client.answer()).body.toString(), 'body')
})

t.test('an interim answer is not written into the middle of the question', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  one.watch.interim()
  client.socket.end()
  await client.reader.upTo(HALF_A_100)
  one.watch.interim()
  one.reply.raw.writeProcessing()
  t.equal((await client.reader.upTo('Processing')).toString(), '\r\nHTTP/1.1 102 Processing')
})

t.test('a client that has ended its side behind pipelined requests is asked for each in its turn', async (t) => {
  const { client, arrival } = await arrange(t)
  client.socket.end('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n')
  const first = await arrival(1)
  await client.reader.upTo(`${HALF_A_100}\r\n`)
  first.watch.answerBegins()
  first.reply.raw.end('first')
  t.equal((await client.answer()).body.toString(), 'first')
  const second = await arrival(2)
  await client.reader.upTo(`${HALF_A_100}\r\n`)
  second.watch.answerBegins()
  second.reply.raw.end('second')
  t.equal((await client.answer()).body.toString(), 'second')
})

t.test('a client that ends its side within its answer, or speaks HTTP/1.0, is not asked', async (t) => {
  for (const request of ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n']) {
    const { client, arrival } = await arrange(t)
    client.send(request)
    const one = await arrival()
    if (request.includes('1.1')) one.watch.answerBegins()
    client.socket.end()
    // Longer than the patience with a client that has ended its side.
    await new Promise((resolve) => { setTimeout(resolve, 400) })
    t.equal(client.reader.received.length, 0)
    one.reply.raw.end('body')
    t.equal((await client.answer()).body.toString(), 'body')
  }
})

t.test('a client that has ended its side within a chunked answer is asked between its chunks, and reads it whole', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  one.watch.answerBegins()
  one.reply.raw.write('first ')
  const head = await client.head()
  client.socket.end()
  await client.reader.upTo('first \r\n00')
  one.reply.raw.end('last')
  t.equal((await client.reader.upTo('\r\n0\r\n\r\n')).toString(), '4\r\nlast\r\n0\r\n\r\n')
  t.match(head.raw, /transfer-encoding: chunked/i)
  t.equal(one.closed, 1)
})

t.test('an answer that the kernel has taken as a whole is not waited for', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  one.watch.answerBegins()
  one.reply.raw.end('body')
  one.watch.waitForClient()
  t.equal(one.watch.queue, undefined)
  await client.answer()
})

t.test('who has stopped is told nothing more', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  one.watch.stop()
  await client.leave()
  one.reply.raw.end('nobody reads this')
  one.watch.waitForClient()
  await new Promise((resolve) => { setTimeout(resolve, 2 * SEND_TIMEOUT_MS) })
  t.same([one.closed, one.stalled], [0, []])
})

t.test('a client that has left within a chunked answer is told of', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  one.watch.answerBegins()
  one.reply.raw.write('first ')
  await client.reader.upTo('first ')
  await client.leave()
  await until('it is told', () => one.closed === 1, 1_500)
})

t.test('nothing is written between the bytes of an answer with a length', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  one.watch.answerBegins()
  one.reply.raw.setHeader('content-length', 10).write('first ')
  await client.reader.upTo('first ')
  client.socket.end()
  // Longer than it takes to ask.
  await new Promise((resolve) => { setTimeout(resolve, 700) })
  one.reply.raw.end('last')
  t.equal((await client.reader.exactly(4)).toString(), 'last')
})

t.test('a client that ended its side and has left is told of', async (t) => {
  const { client, arrival } = await arrange(t)
  client.get('/')
  const one = await arrival()
  await client.leave()
  await until('it is told', () => one.closed === 1, 1_500)
})
