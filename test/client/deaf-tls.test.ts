import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import * as tls from 'node:tls'
import t, { type Test } from 'tap'
import { closeIfDeaf } from '../../src/client/deaf-tls.ts'
import { hasOpenssl, makeCa, portOf, until } from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

/** Longer than it takes to tell that a connection is dead. */
const TOLD_MS = 1_500

const ca = makeCa(t.testdir(), 'root')
const { cert, key } = ca.issue({ name: 'server', ipAddresses: ['127.0.0.1'] })

/** A client of a server that looks after its connections; `onSecured` is given the server's side. */
async function connected (t: Test, onSecured: (socket: tls.TLSSocket) => void): Promise<{ client: tls.TLSSocket, raw: Socket }> {
  const server = tls.createServer({ cert, key, allowHalfOpen: true })
  server.on('secureConnection', (socket) => {
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    closeIfDeaf(socket)
    onSecured(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const raw = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true })
  const client = tls.connect({ socket: raw, host: '127.0.0.1', ca: ca.cert })
  client.on('error', () => {})
  t.teardown(() => client.destroy())
  return { client, raw }
}

t.test('a connection that was reset is closed, though Node speaks of an end', async (t) => {
  let accepted: tls.TLSSocket | undefined
  const { client, raw } = await connected(t, (socket) => { accepted = socket.resume() })
  client.once('secureConnect', () => client.write('bytes', () => raw.resetAndDestroy()))
  await until('it is closed', () => accepted?.destroyed === true, 2 * TOLD_MS)
})

t.test('one whose client has only ended its side stays open, and gets its answer', async (t) => {
  let accepted: tls.TLSSocket | undefined
  const { client } = await connected(t, (socket) => { accepted = socket.resume() })
  client.end('bytes')
  await until('the end has come', () => accepted?.readableEnded)
  await wait(TOLD_MS)
  t.equal(accepted?.destroyed, false)
  accepted?.end('answer')
  t.equal(String(await once(client, 'data')), 'answer')
})

t.test('one whose client is slow with what waits for it is left to the timeout for that', async (t) => {
  let accepted: tls.TLSSocket | undefined
  const { client } = await connected(t, (socket) => {
    accepted = socket.resume()
    socket.write(Buffer.alloc(16_000_000))
  })
  client.pause().end('bytes')
  await until('the end has come', () => accepted?.readableEnded)
  t.ok(Number(accepted?.writableLength) > 0)
  await wait(TOLD_MS)
  t.equal(accepted?.destroyed, false)
})
