import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { endsOf, pinEnds } from '../../src/client/connection-ends.ts'
import { portOf, until } from '../helper.ts'

async function connected (t: Test): Promise<{ accepted: Socket, client: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const incoming = new Promise<Socket>((resolve) => { server.once('connection', resolve) })
  const client = connect({ port: portOf(server), host: '127.0.0.1' })
  t.teardown(() => {
    client.destroy()
    server.close()
  })
  await once(client, 'connect')
  return { accepted: await incoming, client }
}

t.test('both ends of a connection, as the other side sees them the other way round', async (t) => {
  const { accepted, client } = await connected(t)
  t.strictSame(endsOf(accepted), { address: '127.0.0.1', port: client.localPort, localAddress: '127.0.0.1', localPort: client.remotePort })
})

t.test('of a connection that was reset before anybody asked the kernel knows nothing', async (t) => {
  const { accepted, client } = await connected(t)
  accepted.on('error', () => {})
  client.resetAndDestroy()
  await until('it is closed', () => accepted.destroyed)
  t.equal(endsOf(accepted), undefined)
})

t.test('ends that are pinned stay, whatever becomes of the connection', async (t) => {
  const { accepted } = await connected(t)
  const ends = { address: '203.0.113.9', port: 4711, localAddress: '192.0.2.1', localPort: 8443 }
  pinEnds(accepted, ends)
  t.strictSame(endsOf(accepted), ends)
  accepted.destroy()
  await once(accepted, 'close')
  t.strictSame(endsOf(accepted), ends)
  t.match(accepted, { remoteAddress: '203.0.113.9', remotePort: 4711, localAddress: '192.0.2.1', localPort: 8443 })
})
