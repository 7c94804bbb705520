/** TLS with several workers: a session that one of them has begun is resumed by any. */
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { hasOpenssl, makeCa, scenario } from '../helper.ts'
import { running } from './running.ts'

if (hasOpenssl()) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    scenario(`${version}: sessions are resumed whichever worker is met`, async (s, t) => {
      const root = makeCa(t.testdir(), 'root')
      const pair = root.issue({ name: 'one', ipAddresses: ['127.0.0.1'], days: 30 })
      const gateway = await running(s, [await s.origin('a')], { TLS_CERT_FILES: pair.certFile, TLS_KEY_FILES: pair.keyFile })
      t.match(gateway.url, /^https:/)
      const options = { port: gateway.port, host: '127.0.0.1', ca: root.cert, minVersion: version, maxVersion: version }
      const first = await handshake(options)
      t.notOk(first.isReused)
      const others = []
      for (let i = 0; i < 40; i++) others.push(await handshake({ ...options, session: first.session }))
      t.strictSame(others.map(({ isReused }) => isReused), others.map(() => true))
      t.equal(new Set(others.map(({ worker }) => worker)).size, 2, 'both workers were met')
    })
  }
}

/** Shakes hands, and asks who is there. */
async function handshake (options: ConnectionOptions): Promise<{ isReused: boolean, session: Buffer, worker: string | undefined }> {
  const socket: TLSSocket = connect(options)
  const session = once(socket, 'session')
  await once(socket, 'secureConnect')
  const isReused = socket.isSessionReused()
  socket.write('GET /harm/nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  let text = ''
  for await (const chunk of socket.setEncoding('latin1')) text += String(chunk)
  // TLS 1.2 gives a resumed session no new ticket.
  const ticket: unknown = isReused ? undefined : (await session).at(0)
  return { isReused, session: Buffer.isBuffer(ticket) ? ticket : Buffer.alloc(0), worker: /x-worker: (\d)/.exec(text)?.[1] }
}
