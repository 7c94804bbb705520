/** A tunnel with TLS on both sides: each side ends on its own, as without. */
import type { Duplex } from 'node:stream'
import t from 'tap'
import { ByteReader, hasOpenssl, head, http2Scenario, makeCa, until, within } from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const root = makeCa(t.testdir(), 'root')
const certificate = root.issue({ name: 'loopback', ipAddresses: ['127.0.0.1'] })
const ENV = { TLS_CERT_FILES: certificate.certFile, TLS_KEY_FILES: certificate.keyFile, UPSTREAM_TLS_CA_FILE: root.certFile }
const UPGRADE = ['connection: Upgrade', 'upgrade: test']

for (const name of ['client', 'backend'] as const) {
  http2Scenario(`the ${name} ends its side first: the other one goes on, and ends when it likes`, async (s, t) => {
    const { promise, resolve } = Promise.withResolvers<Duplex>()
    const origin = await s.httpsOrigin('a', certificate)
    origin.server.on('upgrade', (_request, socket) => {
      // As a backend does that knows half-closed connections.
      socket.allowHalfOpen = true
      socket.write(head('101 Switching Protocols', UPGRADE))
      resolve(socket)
    })
    const gateway = await s.gateway([origin], { env: ENV })
    const client = await s.tlsClient(gateway, { ca: root.cert })
    client.socket.allowHalfOpen = true
    client.get('/', UPGRADE)
    await within('the tunnel opens', client.reader.upTo('\r\n\r\n'))
    const socket = await promise
    const backend = { socket, reader: new ByteReader(socket) }
    const [first, second] = name === 'client' ? [client, backend] : [backend, client]
    first.socket.end('bye')
    t.equal((await within('the end', second.reader.rest())).toString(), 'bye')
    for (const text of ['one ', 'two ', 'three']) {
      second.socket.write(text)
      await until('it has arrived', () => first.reader.received.toString().endsWith(text))
    }
    t.equal(gateway.inFlight, 1)
    second.socket.end()
    t.equal((await within('the rest', first.reader.rest())).toString(), 'one two three')
    await until('nothing in flight', () => gateway.inFlight === 0)
    t.equal(gateway.app.tunnels.size, 0)
  })
}
