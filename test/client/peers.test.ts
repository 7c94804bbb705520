import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import * as http2 from 'node:http2'
import { connect, createServer, type Server, type Socket } from 'node:net'
import * as tls from 'node:tls'
import t, { type Test } from 'tap'
import { distrust, hideForwarding, Peer, Peers, withoutMapping } from '../../src/client/peers.ts'
import { parseTrust, Trust } from '../../src/client/trust.ts'
import { portOf } from '../helper.ts'
import { hasOpenssl, makeCa } from '../kit/pki.ts'

/** A connection as the server at `host` got it. */
async function accepted (t: Test, host: string, to = host): Promise<{ socket: Socket, port: number }> {
  const server = createServer()
  server.listen(0, host)
  await once(server, 'listening')
  const socket = await firstOf(server, 'connection')
  t.teardown(() => server.close())
  return { socket, port: portOf(server) }

  async function firstOf (listener: Server, event: string): Promise<Socket> {
    const first = new Promise<Socket>((resolve) => { listener.once(event, resolve) })
    const client = connect({ port: portOf(listener), host: to })
    t.teardown(() => client.destroy())
    return await first
  }
}

t.test('a peer has the address and the port of its connection', async (t) => {
  const { socket, port } = await accepted(t, '127.0.0.1')
  t.match(new Peer(socket, new Trust()), { address: '127.0.0.1', port: String(port), proto: 'http', isTrusted: false, certificate: undefined })
})

t.test('an IPv4 peer of a dual-stack listener has its own notation, and is trusted by it', async (t) => {
  const { socket } = await accepted(t, '::', '127.0.0.1')
  t.equal(socket.remoteAddress, '::ffff:127.0.0.1')
  t.match(new Peer(socket, parseTrust('127.0.0.1').trust), { address: '127.0.0.1', isTrusted: true })
})

t.test('an IPv6 peer', async (t) => {
  const { socket, port } = await accepted(t, '::1')
  const peer = new Peer(socket, parseTrust('127.0.0.1').trust)
  t.match(peer, { address: '::1', isTrusted: false })
  t.strictSame(peer.forwardingFields('a.example', 1.1).fields, [
    'x-forwarded-for', '::1', 'x-forwarded-proto', 'http', 'x-forwarded-port', String(port), 'x-forwarded-host', 'a.example',
    'forwarded', 'for="[::1]";host=a.example;proto=http', 'via', '1.1 fastlancer'
  ])
})

t.test('a connection that is closed already has no address', async (t) => {
  const { socket } = await accepted(t, '127.0.0.1')
  socket.destroy()
  await once(socket, 'close')
  const peer = new Peer(socket, parseTrust('0.0.0.0/0').trust)
  t.match(peer, { address: 'unknown', isTrusted: false })
  t.match(peer.forwardingFields(undefined, 1.1).fields, ['x-forwarded-for', 'unknown', 'x-forwarded-proto', 'http', 'x-forwarded-port', ''])
})

t.test('what is said of requests is made once a host and version', async (t) => {
  const { socket } = await accepted(t, '127.0.0.1')
  const peer = new Peer(socket, new Trust())
  const [a, b, none] = [peer.forwardingFields('a', 1.1).fields, peer.forwardingFields('b:81', 1.1).fields, peer.forwardingFields(undefined, 1.1).fields]
  t.same([a, b, none].map((fields) => fields[fields.indexOf('forwarded') + 1]), [
    'for=127.0.0.1;host=a;proto=http', 'for=127.0.0.1;host="b:81";proto=http', 'for=127.0.0.1;proto=http'
  ])
  t.same([a, b, none].map((fields) => fields.includes('x-forwarded-host')), [true, true, false])
  t.equal(peer.forwardingFields(undefined, 1.1).fields, none)
  t.strictSame(peer.forwardingFields('a', 1.1).fields, a)
  t.equal(peer.forwardingFields('a', 1.1).fields, peer.forwardingFields('a', 1.1).fields)
})

t.test('Via names the version that the request came in, also where versions take turns on a connection', async (t) => {
  const { socket } = await accepted(t, '127.0.0.1')
  const peer = new Peer(socket, new Trust())
  const via = ([1, 1.1, 1, 2] as const).map((version) => {
    const fields = peer.forwardingFields('a', version).fields
    return fields[fields.indexOf('via') + 1]
  })
  t.strictSame(via, ['1.0 fastlancer', '1.1 fastlancer', '1.0 fastlancer', '2 fastlancer'])
})

t.test('a distrusted connection is not believed, whatever its address; others of that address are', async (t) => {
  const [one, other] = [await accepted(t, '127.0.0.1'), await accepted(t, '127.0.0.1')]
  const peers = new Peers(parseTrust('127.0.0.1').trust)
  distrust(one.socket)
  const peer = peers.of({ socket: one.socket })
  t.match(peer, { address: '127.0.0.1', isTrusted: false, isDistrusted: true })
  t.equal(peer.clientOf(['x-forwarded-for', '9.9.9.9']), '127.0.0.1')
  t.match(peers.of({ socket: other.socket }), { isTrusted: true, isDistrusted: false })
})

t.test('a distrusted connection is known by the stand-in that HTTP/2 gives for it too', async (t) => {
  const server = http2.createServer()
  const session = new Promise<http2.ServerHttp2Session>((resolve) => { server.once('session', resolve) })
  const { socket } = await accepted(t, '127.0.0.1')
  distrust(socket)
  server.emit('connection', socket)
  const standIn = (await session).socket
  t.not(standIn, socket)
  t.match(new Peer(standIn, parseTrust('127.0.0.1').trust), { address: '127.0.0.1', isTrusted: false })
})

t.test('what is hidden of a head is all that Fastify would believe, and nothing else', async (t) => {
  const headers = { 'x-forwarded-for': '9.9.9.9', 'x-forwarded-host': 'evil', 'x-forwarded-proto': 'https', host: 'a', 'x-other': '1' }
  hideForwarding(headers)
  t.strictSame(headers, { host: 'a', 'x-other': '1' })
})

t.test('a connection has one peer, made with the trust of the moment', async (t) => {
  const [one, other] = [await accepted(t, '127.0.0.1'), await accepted(t, '127.0.0.1')]
  const peers = new Peers(new Trust())
  peers.trust = parseTrust('127.0.0.1').trust
  const peer = peers.of({ socket: one.socket })
  t.ok(peer.isTrusted)
  t.equal(peers.of({ socket: one.socket }), peer)
  t.not(peers.of({ socket: other.socket }), peer)
})

t.test('the client of a request is its peer, unless that is trusted and names another one', async (t) => {
  const { socket } = await accepted(t, '127.0.0.1')
  const forwarding = ['x-forwarded-for', '9.9.9.9, 8.8.8.8', 'forwarded', 'for=7.7.7.7', 'x-forwarded-for', '10.0.0.1']
  for (const [trust, address] of [['', '127.0.0.1'], ['127.0.0.1', '10.0.0.1'], ['127.0.0.1,10.0.0.0/8', '8.8.8.8'], ['1', '10.0.0.1'], ['4', '9.9.9.9']] as const) {
    const peer = new Peer(socket, parseTrust(trust).trust)
    t.equal(peer.clientOf(forwarding), address, trust)
    t.equal(peer.clientOf([]), '127.0.0.1')
    t.equal(peer.clientOf(['forwarded', 'for=7.7.7.7', 'x-real-ip', '6.6.6.6']), '127.0.0.1')
  }
})

t.test('only what is a mapped IPv4 address loses its prefix', async (t) => {
  for (const [address, plain] of [['::ffff:192.0.2.1', '192.0.2.1'], ['192.0.2.1', '192.0.2.1'], ['::ffff:1', '::ffff:1'], ['::1', '::1'], ['', '']] as const) {
    t.equal(withoutMapping(address), plain)
  }
})

t.test('the certificate of a client', { skip: hasOpenssl() ? false : 'openssl is not installed (apt-get install openssl)' }, async (t) => {
  const folder = t.testdir()
  const [ca, foreign] = [makeCa(folder, 'ca'), makeCa(folder, 'foreign')]
  const own = ca.issue({ name: 'server', ipAddresses: ['127.0.0.1'] })
  const server = tls.createServer({ cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, rejectUnauthorized: false })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())

  const peerOf = async (shown: { readonly cert?: string, readonly key?: string }): Promise<Peer> => {
    const secured = new Promise<tls.TLSSocket>((resolve) => { server.once('secureConnection', resolve) })
    const client = tls.connect({ host: '127.0.0.1', port: portOf(server), ca: ca.cert, ...shown })
    t.teardown(() => client.destroy())
    return new Peer(await secured, new Trust())
  }

  await t.test('is told as RFC 9440 has it, if it was verified', async (t) => {
    const { cert, key } = ca.issue({ name: 'client', client: true })
    const peer = await peerOf({ cert, key })
    const expected = `:${new X509Certificate(cert).raw.toString('base64')}:`
    t.match(peer, { proto: 'https', certificate: expected })
    t.strictSame(peer.forwardingFields(undefined, 1.1).fields.slice(-2), ['client-cert', expected])
    t.match(peer.forwardingFields('a', 1.1).fields, ['x-forwarded-for', '127.0.0.1', 'x-forwarded-proto', 'https'])
  })

  await t.test('is not told if nobody vouches for it, or there is none', async (t) => {
    const { cert, key } = foreign.issue({ name: 'stranger', client: true })
    for (const shown of [{ cert, key }, {}]) {
      const peer = await peerOf(shown)
      t.equal(peer.certificate, undefined)
      t.notOk(peer.forwardingFields('a', 1.1).fields.includes('client-cert'))
    }
  })
})
