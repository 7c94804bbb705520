/** How a connection fails, and when it cannot be used again. */
import t, { type Test } from 'tap'
import { resetConnection } from '../../src/client/reset.ts'
import { backendAddress } from '../../src/upstream/backend-address.ts'
import type { UpstreamRequest } from '../../src/upstream/carrier.ts'
import { Http1Connection } from '../../src/upstream/http1-connection.ts'
import { MessageFault } from '../../src/wire/message-fault.ts'
import { DeafListener } from '../kit/deaf-listener.ts'
import { until } from '../kit/until.ts'
import { arrange as arrangeBody } from './played-body.ts'
import { type Accepted, EMPTY_ANSWER, GET, Listener, OK, RawBackend, refusingAddress, SOCKET_OPTIONS } from './raw-backend.ts'

interface Asked {
  readonly connection: Http1Connection
  readonly accepted: Accepted
  readonly listener: Listener
  readonly gone: () => number
}

/** A connection over which a request has come to the backend. */
async function ask (t: Test, request: Partial<UpstreamRequest> = {}): Promise<Asked> {
  const backend = await RawBackend.start(t)
  let gone = 0
  const connection = new Http1Connection(backend.address, { ...SOCKET_OPTIONS, onGone: () => { gone++ } })
  t.teardown(() => connection.abort())
  const listener = new Listener()
  connection.send({ ...GET, ...request }, listener)
  const accepted = await backend.connection()
  await accepted.request()
  return { connection, accepted, listener, gone: () => gone }
}

/** Lets everything happen that sockets of this process put off. */
async function settled (): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => { setImmediate(resolve) })
}

const CLOSED_BEFORE = 'closed before the answer'
const CLOSED_WITHIN = 'closed in the middle of the answer'

const CUTS: ReadonlyArray<readonly [where: string, answer: string, cause: string]> = [
  ['before its first byte', '', CLOSED_BEFORE],
  ['behind a provisional answer', 'HTTP/1.1 103 Early Hints\r\n\r\n', CLOSED_BEFORE],
  ['within its status line', 'HTTP/1.1 20', CLOSED_WITHIN],
  ['within its head', `${OK}x-a: b`, CLOSED_WITHIN],
  ['behind its head', `${OK}content-length: 5\r\n\r\n`, CLOSED_WITHIN],
  ['within a body of known length', `${OK}content-length: 5\r\n\r\nab`, CLOSED_WITHIN],
  ['within a body of known length, though it said that it would close', `${OK}connection: close\r\ncontent-length: 5\r\n\r\nab`, CLOSED_WITHIN],
  ['within a chunk', `${OK}transfer-encoding: chunked\r\n\r\n5\r\nab`, CLOSED_WITHIN],
  ['between two chunks', `${OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n`, CLOSED_WITHIN],
  ['before the end of the trailers', `${OK}transfer-encoding: chunked\r\n\r\n0\r\nx: y\r\n`, CLOSED_WITHIN]
]

t.test('an answer that ends too early is a reset', async (t) => {
  for (const [where, answer, cause] of CUTS) {
    const { connection, accepted, listener, gone } = await ask(t)
    accepted.sendAndEnd(answer)
    t.equal((await listener.over()).at(-1), 'error FL_UPSTREAM_RESET', where)
    t.match(listener.error, { cause: { message: cause } }, where)
    t.strictSame([connection.isReusable, gone()], [false, 1], where)
  }
})

t.test('so is one that is reset, wherever that happens', async (t) => {
  for (const [where, answer] of [...CUTS, ['in a body that goes up to the end', `${OK}\r\nab`]] as const) {
    const { connection, accepted, listener, gone } = await ask(t)
    accepted.send(answer)
    if (answer.includes('ab')) await until('what was sent has come', () => listener.body === 'ab')
    resetConnection(accepted.socket)
    t.equal((await listener.over()).at(-1), 'error FL_UPSTREAM_RESET', where)
    t.match(listener.error, { cause: Error }, where)
    t.strictSame([connection.isReusable, gone()], [false, 1], where)
  }
})

t.test('an answer without a length is whole when the backend ends its side, and only then', async (t) => {
  for (const version of ['1.0', '1.1']) {
    const { connection, accepted, listener, gone } = await ask(t)
    accepted.send(`HTTP/${version} 200 OK\r\n\r\nall`)
    await until('what was sent has come', () => listener.body === 'all')
    t.notOk(listener.isOver)
    accepted.sendAndEnd(' of it')
    t.strictSame(await listener.over(), ['sent', 'head 200', 'end'])
    t.equal(listener.body, 'all of it')
    t.strictSame([connection.isReusable, gone()], [false, 1])
  }
})

t.test('what is not beyond doubt is a bad response, and nothing behind it is read', async (t) => {
  const answers = [
    'nonsense\r\n\r\n', 'HTTP/1.1 xx OK\r\n\r\n', `${OK}Bad Field\r\n\r\n`, `${OK}x-a: a\0b\r\n\r\n`, `${OK}content-length: x\r\n\r\n`,
    `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, `${OK}transfer-encoding: chunked\r\n\r\nzz\r\n`, `${OK}x-a: ${'a'.repeat(64 * 1024)}`,
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', EMPTY_ANSWER.slice(1)
  ]
  for (const answer of answers) {
    const name = JSON.stringify(answer.slice(0, 60))
    const { connection, accepted, listener, gone } = await ask(t)
    accepted.send(`${answer}${EMPTY_ANSWER}`)
    t.equal((await listener.over()).at(-1), 'error FL_UPSTREAM_BAD_RESPONSE', name)
    t.ok(listener.error?.cause instanceof MessageFault, name)
    await accepted.reader.ended
    t.strictSame([connection.isReusable, gone(), listener.events.includes('end')], [false, 1, false], name)
  }
})

t.test('a switch to a protocol that was not offered is a bad response', async (t) => {
  const { connection, accepted, listener } = await ask(t, { upgrade: 'websocket' })
  accepted.send('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n')
  t.equal((await listener.over()).at(-1), 'error FL_UPSTREAM_BAD_RESPONSE')
  await accepted.reader.ended
  t.notOk(connection.isReusable)
})

t.test('bytes behind an answer never become the next one: the answer is whole, the connection ends', async (t) => {
  const cases: ReadonlyArray<readonly [answer: string, request?: Partial<UpstreamRequest>]> = [
    [EMPTY_ANSWER], [`${OK}content-length: 2\r\n\r\nab`], [`${OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`],
    ['HTTP/1.1 204 No Content\r\n\r\n'], ['HTTP/1.1 304 Not Modified\r\n\r\n'], [`${OK}content-length: 2\r\n\r\n`, { method: 'HEAD' }]
  ]
  for (const [answer, request] of cases) {
    for (const surplus of ['x', '\r\n', EMPTY_ANSWER]) {
      const { connection, accepted, listener, gone } = await ask(t, request)
      accepted.send(`${answer}${surplus}`)
      t.strictSame(await listener.over(), ['sent', 'head 204', 'end'].with(1, `head ${listener.head?.statusCode}`), JSON.stringify([answer, surplus]))
      t.notMatch(listener.body, /[^ab]/)
      t.strictSame([connection.isReusable, gone()], [false, 1])
      await accepted.reader.ended
    }
  }
})

t.test('bytes that come while nothing was asked end the connection', async (t) => {
  const { connection, accepted, listener, gone } = await ask(t)
  accepted.send(EMPTY_ANSWER)
  await listener.over()
  t.ok(connection.isReusable)
  accepted.send(EMPTY_ANSWER)
  await accepted.reader.ended
  t.strictSame([connection.isReusable, gone()], [false, 1])
})

t.test('an answer that says that it is the last one is', async (t) => {
  for (const answer of [`${OK}connection: close\r\ncontent-length: 0\r\n\r\n`, 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n']) {
    const { connection, accepted, listener, gone } = await ask(t)
    accepted.send(answer)
    t.equal((await listener.over()).at(-1), 'end')
    t.strictSame([connection.isReusable, gone()], [false, 1])
    await accepted.reader.ended
  }
})

t.test('an answer that comes before the request is whole ends the connection', async (t) => {
  for (const length of [10, undefined]) {
    const { source, body } = arrangeBody(length, { mayCollect: false })
    const { connection, accepted, listener, gone } = await ask(t, { method: 'POST', body })
    source.write('abc')
    await accepted.reader.upTo('abc')
    accepted.send('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n')
    t.equal((await listener.over()).at(-1), 'end')
    t.strictSame([connection.isReusable, gone()], [false, 1])
    await accepted.reader.ended
    source.end('defghij')
    await settled()
    t.notMatch(accepted.reader.received.toString(), /defghij/)
  }
})

t.test('what came of the request before has no part in how the next one ends', async (t) => {
  const first = await ask(t)
  first.accepted.send(EMPTY_ANSWER)
  await first.listener.over()
  const { source, body } = arrangeBody(undefined)
  const upload = new Listener()
  first.connection.send({ ...GET, method: 'POST', body }, upload)
  await first.accepted.request()
  first.accepted.send(EMPTY_ANSWER)
  t.equal((await upload.over()).at(-1), 'end')
  t.notOk(first.connection.isReusable, 'it was still being sent')
  source.destroy()

  const second = await ask(t)
  second.accepted.send(EMPTY_ANSWER)
  await second.listener.over()
  const cut = new Listener()
  second.connection.send(GET, cut)
  await second.accepted.request()
  second.accepted.socket.end()
  t.equal((await cut.over()).at(-1), 'error FL_UPSTREAM_RESET')
  t.match(cut.error, { cause: { message: CLOSED_BEFORE } })
})

t.test('an unused connection that the backend ends is gone', async (t) => {
  for (const how of ['end', 'reset'] as const) {
    const { connection, accepted, listener, gone } = await ask(t)
    accepted.send(EMPTY_ANSWER)
    await listener.over()
    if (how === 'end') accepted.socket.end()
    else resetConnection(accepted.socket)
    await until('it is gone', () => gone() === 1)
    t.notOk(connection.isReusable)
  }
})

t.test('a connection that is refused says so, and nothing was sent', async (t) => {
  let gone = 0
  const connection = new Http1Connection(await refusingAddress(), { ...SOCKET_OPTIONS, onGone: () => { gone++ } })
  const listener = new Listener()
  connection.send(GET, listener)
  t.strictSame(await listener.over(), ['error FL_UPSTREAM_CONNECT_FAILED'])
  t.match(listener.error, { cause: { code: 'ECONNREFUSED' } })
  t.strictSame([connection.isReusable, gone], [false, 1])
})

t.test('a request on a connection that had gone before fails, but never within send', async (t) => {
  let gone = 0
  const connection = new Http1Connection(await refusingAddress(), { ...SOCKET_OPTIONS, onGone: () => { gone++ } })
  await until('it is gone', () => gone === 1)
  const listener = new Listener()
  connection.send(GET, listener)
  t.strictSame(listener.events, [])
  t.strictSame(await listener.over(), ['error FL_UPSTREAM_RESET'])
})

t.test('a connection that does not open in time fails by its deadline', async (t) => {
  const backend = await DeafListener.start()
  t.teardown(async () => backend.stop())
  const connection = new Http1Connection(backendAddress(backend.url), { ...SOCKET_OPTIONS, connectTimeoutMs: 30, onGone () {} })
  const listener = new Listener()
  connection.send(GET, listener)
  t.strictSame(await listener.over(), ['error FL_UPSTREAM_CONNECT_TIMEOUT'])
})

t.test('an exchange that is given up ends its connection, and the listener hears nothing more', async (t) => {
  const { connection, accepted, listener, gone } = await ask(t)
  accepted.send(`${OK}content-length: 5\r\n\r\nab`)
  await until('a part of the body', () => listener.body === 'ab')
  const before = [...listener.events]
  connection.abort()
  t.strictSame([connection.isReusable, gone()], [false, 1], 'at once')
  await accepted.reader.ended
  await settled()
  t.strictSame(listener.events, before)
  connection.abort()
  t.equal(gone(), 1, 'once')
})

t.test('it can be given up from within a part of the answer; not even a fault behind it is told', async (t) => {
  for (const rest of ['3\r\ncde\r\n0\r\n\r\n', 'rubbish', '']) {
    const { connection, accepted, listener, gone } = await ask(t)
    listener.onPart = () => connection.abort()
    accepted.send(`${OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n${rest}`)
    await accepted.reader.ended
    await settled()
    t.strictSame([listener.events, listener.body, gone()], [['sent', 'head 200'], 'ab', 1], rest)
  }
})

t.test('it can be given up before it is open', async (t) => {
  const backend = await RawBackend.start(t)
  let gone = 0
  const connection = new Http1Connection(backend.address, { ...SOCKET_OPTIONS, onGone: () => { gone++ } })
  const listener = new Listener()
  connection.send(GET, listener)
  connection.abort()
  t.equal(gone, 1)
  await settled()
  t.strictSame(listener.events, [])
})

t.test('a body whose exchange was given up is not read on', async (t) => {
  const { source, body, told } = arrangeBody(undefined)
  const { connection } = await ask(t, { method: 'POST', body })
  connection.abort()
  source.write('abc')
  await settled()
  t.strictSame(told, [])
  t.ok(source.isPaused())
})
