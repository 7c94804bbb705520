import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Http1Connection } from '../../src/upstream/http1-connection.ts'
import { until } from '../kit/until.ts'
import { GET, Listener, OK, RawBackend, SOCKET_OPTIONS } from './raw-backend.ts'

setFlagsFromString('--expose-gc')

/** Sends a request on a connection, and answers it; what the connection was given for it, without holding it. */
async function exchanged (connection: Http1Connection, answer: () => Promise<void>): Promise<ReadonlyArray<WeakRef<object>>> {
  const request = { ...GET }
  const listener = new Listener()
  const given = [new WeakRef(request), new WeakRef(listener)]
  connection.send(request, listener)
  await answer()
  await listener.over()
  return given
}

t.test('an idle connection holds nothing of the exchange before', async (t) => {
  const backend = await RawBackend.start(t)
  const connection = new Http1Connection(backend.address, { ...SOCKET_OPTIONS, onGone () {} })
  t.teardown(() => connection.abort())
  const accepted = await backend.connection()
  for (const answer of [`${OK}content-length: 2\r\n\r\nab`, `${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n`]) {
    const given = await exchanged(connection, async () => {
      await accepted.request()
      accepted.send(answer)
    })
    t.ok(connection.isReusable)
    await until('all of it is collected', () => {
      runInNewContext('gc()')
      return given.every((one) => one.deref() === undefined)
    })
  }
})
