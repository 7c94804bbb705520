/** One exchange after the other on one connection. How a connection fails is in http1-connection-faults.test.ts. */
import t, { type Test } from 'tap'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import type { UpstreamRequest } from '../../src/upstream/carrier.ts'
import { Http1Connection } from '../../src/upstream/http1-connection.ts'
import { until } from '../kit/until.ts'
import { arrange as arrangeBody, type Arranged as ArrangedBody } from './played-body.ts'
import { type Accepted, EMPTY_ANSWER, GET, Listener, OK, RawBackend, SOCKET_OPTIONS } from './raw-backend.ts'

interface Arranged {
  readonly connection: Http1Connection
  readonly backend: RawBackend
  /** The backend's side of the connection. */
  readonly accepted: Accepted
  /** How often the connection was said to be gone. */
  readonly gone: () => number
  /** Sends a request. */
  readonly ask: (request?: Partial<UpstreamRequest>) => Listener
}

/** A connection that is open. */
async function arrange (t: Test, mayTunnel = false): Promise<Arranged> {
  const backend = await RawBackend.start(t)
  let gone = 0
  const connection = new Http1Connection(backend.address, { ...SOCKET_OPTIONS, mayTunnel, onGone: () => { gone++ } })
  t.teardown(() => connection.abort())
  const ask = (request: Partial<UpstreamRequest> = {}): Listener => {
    const listener = new Listener()
    connection.send({ ...GET, ...request }, listener)
    return listener
  }
  return { connection, backend, accepted: await backend.connection(), gone: () => gone, ask }
}

/** A body of which the client has sent nothing yet. */
function streamed (length?: number): ArrangedBody {
  return arrangeBody(length, { mayCollect: false, timeouts: new TimeoutQueue(60_000) })
}

t.test('a request is written, and its answer told in order', async (t) => {
  const { accepted, ask } = await arrange(t)
  const listener = ask({ target: '/a%2Fb', fields: ['x-a', 'caf\xe9'] })
  t.equal(await accepted.request(), 'GET /a%2Fb HTTP/1.1\r\nhost: client.test\r\nx-a: caf\xe9\r\n\r\n')
  accepted.send('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
  await until('a part of the body', () => listener.body === 'abc')
  t.strictSame(listener.events, ['sent', 'information 103', 'head 201'])
  accepted.send('2\r\n\x00\xff\r\n0\r\nX-Sum: 1\r\n\r\n')
  t.strictSame(await listener.over(), ['sent', 'information 103', 'head 201', 'end'])
  t.strictSame([listener.body, listener.trailers], ['abc\x00\xff', ['x-sum', '1']])
})

t.test('a request without a host is for the backend itself', async (t) => {
  const { backend, accepted, ask } = await arrange(t)
  ask({ host: undefined })
  t.equal(await accepted.request(), `GET / HTTP/1.1\r\nhost: ${backend.address.authority}\r\n\r\n`)
})

t.test('a request that is sent before the connection is open goes out when it is', async (t) => {
  const backend = await RawBackend.start(t)
  const connection = new Http1Connection(backend.address, { ...SOCKET_OPTIONS, onGone () {} })
  t.teardown(() => connection.abort())
  const listener = new Listener()
  connection.send(GET, listener)
  t.strictSame(listener.events, [], 'nothing of it was sent')
  const accepted = await backend.connection()
  await accepted.request()
  accepted.send(EMPTY_ANSWER)
  t.strictSame(await listener.over(), ['sent', 'head 200', 'end'])
})

t.test('a body that is there is written behind the head, byte for byte', async (t) => {
  const { accepted, ask } = await arrange(t)
  for (const size of [1, 256, 16 * 1024, 16 * 1024 + 1, 300_000]) {
    const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 256))
    const listener = ask({ method: 'PUT', body })
    t.equal(await accepted.request(), `PUT / HTTP/1.1\r\nhost: client.test\r\ncontent-length: ${size}\r\n\r\n`)
    t.ok((await accepted.reader.exactly(size)).equals(body), `${size} bytes`)
    accepted.send(EMPTY_ANSWER)
    await listener.over()
  }
})

t.test('a body of known length that comes in parts is written as it comes', async (t) => {
  const { accepted, connection, ask } = await arrange(t)
  const { source, body } = streamed(6)
  const listener = ask({ method: 'POST', body })
  t.match(await accepted.request(), /\r\ncontent-length: 6\r\n\r\n$/)
  source.write('abc')
  t.equal(String(await accepted.reader.exactly(3)), 'abc')
  source.end('def')
  t.equal(String(await accepted.reader.exactly(3)), 'def')
  accepted.send(EMPTY_ANSWER)
  t.strictSame(await listener.over(), ['sent', 'body sent', 'head 200', 'end'])
  t.equal(accepted.reader.unread.length, 0, 'no trailers where there cannot be any')
  t.ok(connection.isReusable)
})

t.test('a body of unknown length goes out in chunks, with its trailers behind it', async (t) => {
  const { accepted, connection, ask } = await arrange(t)
  const { source, body } = streamed()
  const listener = ask({ method: 'POST', body })
  t.match(await accepted.request(), /\r\ntransfer-encoding: chunked\r\n\r\n$/)
  source.write('\x00\xff\r\n', 'latin1')
  t.equal((await accepted.reader.upTo('\n\r\n')).toString('latin1'), '4\r\n\x00\xff\r\n\r\n')
  source.write('x'.repeat(26))
  t.equal(String(await accepted.reader.upTo('x\r\n')), `1a\r\n${'x'.repeat(26)}\r\n`)
  source.end()
  t.equal(String(await accepted.reader.upTo('\r\n\r\n')), '0\r\nx-sum: 1\r\n\r\n')
  accepted.send(EMPTY_ANSWER)
  t.strictSame(await listener.over(), ['sent', 'body sent', 'head 200', 'end'])
  t.ok(connection.isReusable)
})

t.test('a part without bytes is not the last chunk', async (t) => {
  const { accepted, connection, ask } = await arrange(t)
  const { source, body } = streamed()
  const listener = ask({ method: 'POST', body })
  await accepted.request()
  source.emit('data', Buffer.alloc(0))
  source.write('a')
  source.end()
  t.equal(String(await accepted.reader.upTo('\r\n\r\n')), '1\r\na\r\n0\r\nx-sum: 1\r\n\r\n')
  accepted.send(EMPTY_ANSWER)
  await listener.over()
  t.ok(connection.isReusable)
})

t.test('a backend that does not read holds the client back, and gets every byte when it reads on', async (t) => {
  for (const length of [16 * 1024 * 1024, undefined]) {
    const { accepted, ask } = await arrange(t)
    const { source, body, told } = streamed(length)
    const listener = ask({ method: 'POST', body })
    await accepted.request()
    let arrived = 0
    accepted.socket.pause().removeAllListeners('data').on('data', (data) => { arrived += data.toString('latin1').replaceAll(/[^x]/g, '').length })
    accepted.socket.pause()
    const part = Buffer.alloc(64 * 1024, 'x')
    for (let i = 0; i < 256; i++) source.write(part)
    source.end()
    let pausedInARow = 0
    await until('the client is held back', () => (pausedInARow = source.isPaused() ? pausedInARow + 1 : 0) > 20)
    t.ok(told.length < 256, `${told.length} parts of 256 were read`)
    t.notOk(body.waitsForClient)
    accepted.socket.resume()
    // In chunks there is one more, that of x-sum.
    await until('all of it has come', () => arrived === 256 * part.length + (length === undefined ? 1 : 0))
    accepted.send(EMPTY_ANSWER)
    await listener.over()
  }
})

t.test('one request after the other goes over the same connection', async (t) => {
  const { accepted, backend, connection, gone, ask } = await arrange(t)
  t.ok(connection.isReusable)
  t.notOk(connection.isUsed)
  for (const [method, answer, body] of [
    ['GET', `${OK}content-length: 2\r\n\r\nab`, 'ab'],
    ['HEAD', `${OK}content-length: 2\r\n\r\n`, ''],
    ['GET', `${OK}transfer-encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n`, 'c'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', ''],
    ['GET', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nd', 'd']
  ] as const) {
    const listener = ask({ method })
    t.notOk(connection.isReusable, 'while it is in use')
    await accepted.request()
    accepted.send(answer)
    await listener.over()
    t.equal(listener.body, body)
    t.ok(connection.isReusable)
    t.ok(connection.isUsed)
  }
  t.equal(backend.accepted.length, 1)
  t.equal(gone(), 0)
})

t.test('a listener can send the next request as soon as the answer is whole', async (t) => {
  const { accepted, connection, ask } = await arrange(t)
  const [first, second] = [ask(), new Listener()]
  first.whenWhole = () => connection.send({ ...GET, target: '/second' }, second)
  await accepted.request()
  accepted.send(EMPTY_ANSWER)
  t.match(await accepted.request(), /^GET \/second /)
  accepted.send(EMPTY_ANSWER)
  t.strictSame(await second.over(), ['sent', 'head 200', 'end'])
})

t.test('while it is paused nothing of the answer is told', async (t) => {
  const { accepted, connection, ask } = await arrange(t)
  const listener = ask()
  await accepted.request()
  accepted.send(`${OK}content-length: 8000000\r\n\r\nx`)
  await until('the first byte', () => listener.body === 'x')
  connection.pause()
  let isWritten = false
  accepted.socket.write(Buffer.alloc(7_999_999, 'x'), () => { isWritten = true })
  // The backend is stopped by what the kernel holds; until then what was read before the pause may still be told.
  await until('the backend is held back', () => accepted.socket.writableNeedDrain)
  const before = listener.body.length
  for (let i = 0; i < 20; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.equal(listener.body.length, before)
  t.notOk(isWritten)
  connection.resume()
  await listener.over()
  t.equal(listener.body.length, 8_000_000)
})

t.test('an answer that became whole while it was paused leaves a connection that reads on', async (t) => {
  const { accepted, connection, ask } = await arrange(t)
  const first = ask()
  first.onPart = () => connection.pause()
  await accepted.request()
  accepted.send(`${OK}content-length: 1\r\n\r\nx`)
  await first.over()
  t.ok(connection.isReusable)
  const second = ask()
  await accepted.request()
  accepted.send(EMPTY_ANSWER)
  t.strictSame(await second.over(), ['sent', 'head 200', 'end'])
})

t.test('a switch of protocols hands the socket over, with what came behind it', async (t) => {
  const { accepted, connection, gone, ask } = await arrange(t, true)
  const listener = ask({ upgrade: 'echo' })
  t.match(await accepted.request(), /\r\nconnection: upgrade\r\nupgrade: echo\r\n/)
  accepted.send('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\nfirst')
  t.strictSame(await listener.over(), ['sent', 'upgrade'])
  t.equal(listener.tunnel?.early, 'first')
  t.notOk(connection.isReusable)
  let received = ''
  listener.tunnel?.socket.on('data', (data: Buffer) => { received += data.toString('latin1') })
  listener.tunnel?.socket.resume()
  listener.tunnel?.socket.write('ping')
  t.equal(String(await accepted.reader.exactly(4)), 'ping')
  accepted.send('pong')
  await until('the tunnel has it', () => received === 'pong')
  t.equal(gone(), 0, 'it counts as long as the tunnel lives')
  connection.abort()
  await accepted.reader.ended
  t.equal(gone(), 1)
})

t.test('an upgrade that the backend declines is an answer like any other', async (t) => {
  const { accepted, connection, ask } = await arrange(t)
  const listener = ask({ upgrade: 'echo' })
  await accepted.request()
  accepted.send(`HTTP/1.1 426 Upgrade Required\r\nupgrade: other\r\ncontent-length: 0\r\n\r\n`)
  t.strictSame(await listener.over(), ['sent', 'head 426', 'end'])
  t.ok(connection.isReusable)
})
