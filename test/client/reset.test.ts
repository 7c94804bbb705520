import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { resetConnection } from '../../src/client/reset.ts'
import { portOf, until } from '../helper.ts'

const FDS = '/proc/self/fd'

/** Both ends of a connection. */
async function connection (t: Test): Promise<{ readonly client: Socket, readonly accepted: Socket }> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const client = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true })
  const accepted = await new Promise<Socket>((resolve) => { server.once('connection', resolve) })
  accepted.on('error', () => {})
  return { client, accepted }
}

t.test('the peer sees a reset', async (t) => {
  const { client, accepted } = await connection(t)
  const failed = once(client, 'error')
  client.resume()
  resetConnection(accepted)
  t.match(await failed, [{ code: 'ECONNRESET' }])
})

t.test('a connection whose end is under way is closed all the same', { skip: process.platform !== 'linux' && 'only Linux lists the open files' }, async (t) => {
  const { client, accepted } = await connection(t)
  const before = readdirSync(FDS).length
  client.resume()
  client.on('error', () => {})
  const gone = [once(client, 'close'), once(accepted, 'close')]
  accepted.end()
  // Node begins to end it in the next tick.
  await new Promise<void>((resolve) => { process.nextTick(resolve) })
  t.ok(accepted.writableEnded && !accepted.writableFinished, 'its end is under way')
  resetConnection(accepted)
  client.end()
  await Promise.all(gone)
  await until('both ends are closed', () => readdirSync(FDS).length === before - 2)
})
