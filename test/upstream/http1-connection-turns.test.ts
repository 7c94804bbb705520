/** A request waits for the end of the turn before it is written: what can happen until then. */
import t, { type Test } from 'tap'
import { Http1Connection } from '../../src/upstream/http1-connection.ts'
import { until } from '../kit/until.ts'
import { type Accepted, EMPTY_ANSWER, GET, Listener, RawBackend, SOCKET_OPTIONS } from './raw-backend.ts'

/** A connection that is open and has carried a request. */
async function arrange (t: Test): Promise<{ readonly connection: Http1Connection, readonly accepted: Accepted }> {
  const backend = await RawBackend.start(t)
  const connection = new Http1Connection(backend.address, { ...SOCKET_OPTIONS, onGone () {} })
  t.teardown(() => connection.abort())
  const accepted = await backend.connection()
  const listener = new Listener()
  connection.send(GET, listener)
  await accepted.request()
  accepted.send(EMPTY_ANSWER)
  await listener.over()
  return { connection, accepted }
}

t.test('bytes that come before the request was written are not its answer, and it counts as not sent', async (t) => {
  const { connection, accepted } = await arrange(t)
  const listener = new Listener()
  // Sockets are read between one round of immediates and the next, in which the request would be written.
  setImmediate(() => {
    accepted.send(EMPTY_ANSWER)
    connection.send(GET, listener)
  })
  t.strictSame(await listener.over(), ['error FL_UPSTREAM_RESET'])
  t.match(listener.error, { cause: { message: 'bytes that nobody asked for' } })
  t.notOk(connection.isReusable)
})

t.test('a request that is given up before it was written is never written', async (t) => {
  const { connection, accepted } = await arrange(t)
  const before = accepted.socket.bytesRead
  const listener = new Listener()
  connection.send(GET, listener)
  connection.abort()
  await until('the end of the connection', () => accepted.socket.readableEnded || accepted.socket.destroyed)
  t.strictSame([accepted.socket.bytesRead - before, listener.events], [0, []])
})
