/** The PROXY protocol: a proxy that is trusted introduces the client, and the gateway speaks of that client from then on. */
import { type Duplex, Duplex as DuplexStream } from 'node:stream'
import { once } from 'node:events'
import { connect } from 'node:net'
import * as tls from 'node:tls'
import t from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import {
  ByteReader, type Gateway, hasOpenssl, http2Call, type Http2Scenario, http2Scenario, type HttpOrigin, makeCa, parseObject, PREFACE, readBody, readHead, type SeenRequest, settingsFrame, until, within
} from '../helper.ts'

const ON: Environment = { PROXY_PROTOCOL: 'on', TRUST_PROXY: '127.0.0.1' }

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** From 203.0.113.9, port 4711, to 192.0.2.1, port 8443. */
const IPV4_BLOCK = Buffer.from([203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x67, 0x20, 0xfb])

/** From 2001:db8::9, port 4711, to 2001:db8::1, port 8443. */
const IPV6_BLOCK = Buffer.concat([Buffer.from('20010db8000000000000000000000009', 'hex'), Buffer.from('20010db8000000000000000000000001', 'hex'), IPV4_BLOCK.subarray(8)])

const REQUEST = 'GET /through HTTP/1.1\r\nhost: client.test\r\n\r\n'

function version2 (command: number, family: number, block: Buffer): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, 0, block.length]), block])
}

interface Introduction {
  readonly what: string
  readonly header: Buffer
  /** Of whom the backend hears, and of which port. */
  readonly address: string
  readonly port?: string
}

const INTRODUCTIONS: readonly Introduction[] = [
  { what: 'version 1, IPv4', header: Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 4711 8443\r\n'), address: '203.0.113.9', port: '8443' },
  { what: 'version 1, IPv6', header: Buffer.from('PROXY TCP6 2001:db8::9 2001:db8::1 4711 8443\r\n'), address: '2001:db8::9', port: '8443' },
  { what: 'version 1, UNKNOWN', header: Buffer.from('PROXY UNKNOWN\r\n'), address: '127.0.0.1' },
  { what: 'version 2, IPv4', header: version2(0x21, 0x11, IPV4_BLOCK), address: '203.0.113.9', port: '8443' },
  { what: 'version 2, IPv6', header: version2(0x21, 0x21, IPV6_BLOCK), address: '2001:db8::9', port: '8443' },
  { what: 'version 2, with more behind the addresses', header: version2(0x21, 0x11, Buffer.concat([IPV4_BLOCK, Buffer.from([0x04, 0, 2, 0, 0])])), address: '203.0.113.9', port: '8443' },
  { what: 'version 2, LOCAL', header: version2(0x20, 0x00, Buffer.alloc(0)), address: '127.0.0.1' }
]

/** Headers of which nobody learns who the client is. */
const NOBODY = [
  ...INTRODUCTIONS.filter(({ port }) => port === undefined),
  { what: 'version 1, UNKNOWN with addresses', header: Buffer.from('PROXY UNKNOWN 1.1.1.1 2.2.2.2 1 2\r\n') },
  { what: 'version 2, without a family', header: version2(0x21, 0x00, Buffer.alloc(0)) },
  { what: 'version 2, of a UNIX socket', header: version2(0x21, 0x31, Buffer.alloc(216)) }
]

const LIES = ['x-forwarded-for: 9.9.9.9', 'x-forwarded-proto: https', 'x-forwarded-port: 1', 'x-forwarded-host: evil.test', 'forwarded: for=9.9.9.9', 'x-real-ip: 9.9.9.9', 'x-request-id: mine']

const [IN_TEXT, , , IN_BYTES] = INTRODUCTIONS

/** A gateway that notes the address that hooks see. */
async function arrange (s: Http2Scenario, env: Environment): Promise<{ origin: HttpOrigin, gateway: Gateway, ips: string[] }> {
  const origin = await s.origin('a')
  const ips: string[] = []
  const gateway = await s.gateway([origin], { env, extend: (app) => { app.addHook('onRequest', async (request) => { ips.push(request.ip) }) } })
  return { origin, gateway, ips }
}

/** A stream to the gateway that puts the header in front of the first bytes that are written, in one packet. */
async function introducedStream (s: Http2Scenario, gateway: Gateway, header: Buffer): Promise<Duplex> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1', noDelay: true })
  s.atEnd(() => socket.destroy())
  await once(socket, 'connect')
  let first = header
  const stream = new DuplexStream({
    read: () => {},
    write: (chunk: Buffer, _encoding, callback) => {
      socket.write(Buffer.concat([first, chunk]), () => callback())
      first = Buffer.alloc(0)
    }
  })
  socket.on('data', (chunk) => stream.push(chunk))
  socket.on('close', () => stream.push(null))
  return stream
}

for (const { what, header, address, port } of INTRODUCTIONS) {
  http2Scenario(`${what}: backend, log and hooks hear of the client that the proxy spoke for`, async (s, t) => {
    const { origin, gateway, ips } = await arrange(s, ON)
    const client = await s.client(gateway)
    client.send(Buffer.concat([header, Buffer.from(REQUEST)]))
    t.equal((await client.answer()).status, 200)
    client.send(REQUEST)
    t.equal((await client.answer()).status, 200, 'the connection goes on without another header')
    const shown = address.includes(':') ? `"[${address}]"` : address
    for (const { headers, url } of origin.requests) {
      t.equal(url, '/through')
      t.same([headers['x-forwarded-for'], headers['x-forwarded-port'], headers.forwarded], [address, port ?? String(gateway.port), `for=${shown};host=client.test;proto=http`])
    }
    t.match(await gateway.logs.wait('request', 2), [{ client: address }, { client: address }])
    t.same(ips, [address, address])
  })

  http2Scenario(`${what}: the header may come in any pieces`, async (s, t) => {
    const { origin, gateway } = await arrange(s, ON)
    const bytes = Buffer.concat([header, Buffer.from(REQUEST)])
    await Promise.all(Array.from({ length: header.length + 3 }, async (_, index) => {
      const client = await s.client(gateway)
      client.send(bytes.subarray(0, index + 1))
      // The first piece is read on its own: connections come in during one turn, and bytes in a later one.
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => { setImmediate(resolve) })
      client.send(bytes.subarray(index + 1))
      t.equal((await client.answer()).status, 200, `${index + 1} bytes first`)
    }))
    t.same(new Set(origin.requests.map(({ headers }) => headers['x-forwarded-for'])), new Set([address]))
  })

  http2Scenario(`${what}: HTTP/2 behind it`, async (s, t) => {
    const { origin, gateway, ips } = await arrange(s, ON)
    const wire = await s.wire(gateway, Buffer.concat([header, PREFACE, settingsFrame()]))
    for (const stream of [1, 3]) {
      wire.get(stream, '/h2')
      await wire.streamEnd(stream)
      t.equal(wire.bodyOf(stream), 'a')
    }
    t.same(origin.requests.map(({ headers }) => headers['x-forwarded-for']), [address, address])
    t.match(await gateway.logs.wait('request', 2), [{ client: address }, { client: address }])
    t.same(ips, [address, address])
  })
}

http2Scenario('a header byte by byte', async (s, t) => {
  const { origin, gateway } = await arrange(s, ON)
  for (const one of [IN_TEXT, IN_BYTES]) {
    const client = await s.client(gateway)
    for (const byte of one?.header ?? []) {
      client.send(Buffer.from([byte]))
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    client.send(REQUEST)
    t.equal((await client.answer()).status, 200)
  }
  t.same(origin.requests.map(({ headers }) => headers['x-forwarded-for']), ['203.0.113.9', '203.0.113.9'])
})

http2Scenario('what the introduced client says of itself is not believed', async (s, t) => {
  for (const TRUST_PROXY of ['127.0.0.1', '1']) {
    const { origin, gateway, ips } = await arrange(s, { ...ON, TRUST_PROXY })
    const client = await s.client(gateway)
    client.send(Buffer.concat([IN_TEXT?.header ?? Buffer.alloc(0), Buffer.from('GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 198.51.100.1\r\nx-forwarded-proto: https\r\nx-request-id: mine\r\n\r\n')]))
    t.equal((await client.answer()).status, 200)
    const headers = origin.requests[0]?.headers
    t.same([headers?.['x-forwarded-for'], headers?.['x-forwarded-proto']], ['203.0.113.9', 'http'], `TRUST_PROXY=${TRUST_PROXY}`)
    t.not(headers?.['x-request-id'], 'mine')
    t.same(ips, ['203.0.113.9'])
  }
})

for (const { what, header } of NOBODY) {
  http2Scenario(`${what}: who was not introduced is not believed, trusted as the proxy is`, async (s, t) => {
    for (const TRUST_PROXY of ['127.0.0.1', '127.0.0.1,9.9.9.9', '3']) {
      const { origin, gateway, ips } = await arrange(s, { ...ON, TRUST_PROXY })
      const client = await s.client(gateway)
      client.send(Buffer.concat([header, Buffer.from(`GET / HTTP/1.1\r\nhost: a\r\n${LIES.join('\r\n')}\r\n\r\n`)]))
      t.equal((await client.answer()).status, 200)
      const wire = await s.wire(gateway, Buffer.concat([header, PREFACE, settingsFrame()]))
      wire.get(1, '/', LIES.flatMap((line) => line.split(': ')))
      await wire.streamEnd(1)
      for (const { headers } of origin.requests) {
        t.match(headers, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-port': String(gateway.port) }, `TRUST_PROXY=${TRUST_PROXY}`)
        t.not(headers['x-forwarded-host'], 'evil.test')
        t.notMatch(headers.forwarded, /9\.9\.9\.9/)
        t.not(headers['x-request-id'], 'mine')
        t.notOk('x-real-ip' in headers)
      }
      t.match(await gateway.logs.wait('request', 2), [{ client: '127.0.0.1' }, { client: '127.0.0.1' }])
      t.same(ips, ['127.0.0.1', '127.0.0.1'], `hooks are not told either, TRUST_PROXY=${TRUST_PROXY}`)
    }
  })
}

http2Scenario('a trusted proxy that does not introduce its client is closed without a word', async (s, t) => {
  const { origin, gateway } = await arrange(s, ON)
  for (const bytes of [REQUEST, 'PROXY TCP4 nonsense\r\n', 'PROXY TCP4 203.0.113.9 192.0.2.1 4711 99999\r\n', '\r\n\r\n\0\r\nQUIX', '\x16\x03\x01']) {
    const client = await s.client(gateway)
    client.send(bytes)
    await client.ended
    t.equal(client.reader.received.length, 0)
  }
  t.equal(origin.requests.length, 0)
})

http2Scenario('a trusted proxy that says nothing is closed in time, and does not hold up the end of the gateway', async (s, t) => {
  const { gateway } = await arrange(s, { ...ON, CLIENT_HEADERS_TIMEOUT_MS: '60' })
  const silent = await s.client(gateway)
  silent.send('PROXY TCP4')
  await silent.ended
  const late = await s.client(gateway)
  await until('it has come', () => gateway.app.intake.size > 0)
  const closed = gateway.app.close().then(() => true)
  t.ok(await within('the gateway closes', closed))
  await late.ended
})

for (const env of [{ ...ON, TRUST_PROXY: '10.0.0.0/8' }, { TRUST_PROXY: '127.0.0.1' }]) {
  http2Scenario(`whoever is not trusted, or not asked, introduces nobody (${JSON.stringify(env)})`, async (s, t) => {
    const { origin, gateway } = await arrange(s, env)
    for (const { header } of INTRODUCTIONS) {
      const client = await s.client(gateway)
      client.send(Buffer.concat([header, Buffer.from(REQUEST)]))
      const { status, body } = await client.answer()
      t.match({ status, body: parseObject(body.toString()) }, { status: 400, body: { code: 'FL_REQUEST_MALFORMED' } })
      await client.ended
    }
    t.equal(origin.requests.length, 0)
    const client = await s.client(gateway)
    client.send(REQUEST)
    t.equal((await client.answer()).status, 200)
    t.same(origin.requests.map(({ headers }) => headers['x-forwarded-for']), ['127.0.0.1'])
  })
}

if (hasOpenssl()) {
  const root = makeCa(t.testdir(), 'root')
  const server = root.issue({ name: 'server', ipAddresses: ['127.0.0.1'] })
  const env = { ...ON, TLS_CERT_FILES: server.certFile, TLS_KEY_FILES: server.keyFile }

  for (const { what, header, address, port } of INTRODUCTIONS) {
    http2Scenario(`${what}: TLS behind it, HTTP/1 and HTTP/2`, async (s, t) => {
      const { origin, gateway, ips } = await arrange(s, env)
      const secure = tls.connect({ socket: await introducedStream(s, gateway, header), host: '127.0.0.1', ca: root.cert })
      s.atEnd(() => secure.destroy())
      secure.write(REQUEST)
      const reader = new ByteReader(secure)
      await within('an answer', readHead(reader).then(async (head) => await readBody(reader, head, true)))
      const socket = await introducedStream(s, gateway, header)
      const session = await s.session(gateway, { createConnection: () => tls.connect({ socket, host: '127.0.0.1', ca: root.cert, ALPNProtocols: ['h2'] }) }, `https://127.0.0.1:${gateway.port}`)
      t.equal((await http2Call(session)).status, 200)
      const told = ({ headers }: SeenRequest): unknown[] => [headers['x-forwarded-for'], headers['x-forwarded-proto'], headers['x-forwarded-port']]
      t.same(origin.requests.map(told), [address, address].map((client) => [client, 'https', port ?? String(gateway.port)]))
      t.match(await gateway.logs.wait('request', 2), [{ client: address }, { client: address }])
      t.same(ips, [address, address])
    })
  }

  for (const { what, header } of NOBODY) {
    http2Scenario(`${what}: nor is who was not introduced believed over TLS`, async (s, t) => {
      const { origin, gateway, ips } = await arrange(s, env)
      const secure = tls.connect({ socket: await introducedStream(s, gateway, header), host: '127.0.0.1', ca: root.cert })
      s.atEnd(() => secure.destroy())
      secure.write(`GET / HTTP/1.1\r\nhost: a\r\n${LIES.join('\r\n')}\r\n\r\n`)
      const reader = new ByteReader(secure)
      await within('an answer', readHead(reader).then(async (head) => await readBody(reader, head, true)))
      t.match(origin.requests, [{ headers: { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' } }])
      t.same(ips, ['127.0.0.1'])
    })
  }
}
