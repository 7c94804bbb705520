/** A client that sends its request and resets the connection at once is known all the same: to the backend, to hooks and to the log. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import * as tls from 'node:tls'
import t from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import { type Gateway, hasOpenssl, headersFrame, http2Scenario, type Http2Scenario, makeCa, PREFACE, requestFieldsOf, settingsFrame, until } from '../helper.ts'

const REQUEST = Buffer.from('GET /leaving HTTP/1.1\r\nhost: client.test\r\nx-forwarded-for: 9.9.9.9\r\n\r\n')
const HTTP2_REQUEST = Buffer.concat([PREFACE, settingsFrame(), headersFrame(1, requestFieldsOf('/leaving'), true)])

interface Speech {
  readonly what: string
  readonly bytes: Buffer
  /** The protocol of ALPN; without TLS undefined. */
  readonly alpn?: string
}

const SPEECHES: readonly Speech[] = [
  { what: 'HTTP/1', bytes: REQUEST },
  { what: 'HTTP/2', bytes: HTTP2_REQUEST },
  { what: 'HTTP/1 over TLS', bytes: REQUEST, alpn: 'http/1.1' },
  { what: 'HTTP/2 over TLS', bytes: HTTP2_REQUEST, alpn: 'h2' }
]

const IPV4_BLOCK = Buffer.from([203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x67, 0x20, 0xfb])

/** Address and port that are told, and what comes first on the connection. */
const INTRODUCTIONS = [
  { how: 'not introduced', header: '', address: '127.0.0.1', port: undefined },
  { how: 'introduced by PROXY, version 1', header: 'PROXY TCP4 203.0.113.9 192.0.2.1 4711 8443\r\n', address: '203.0.113.9', port: '8443' },
  { how: 'introduced by PROXY, version 2', header: Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1'), IPV4_BLOCK]), address: '203.0.113.9', port: '8443' }
] as const

const pki = hasOpenssl() ? t.testdir() : undefined
const ca = pki === undefined ? undefined : makeCa(pki, 'root')
const certificate = ca?.issue({ name: 'gateway', ipAddresses: ['127.0.0.1'] })

function environment (isTls: boolean, isIntroduced: boolean): Environment {
  return {
    ...(isTls && { TLS_CERT_FILES: certificate?.certFile, TLS_KEY_FILES: certificate?.keyFile }),
    ...(isIntroduced && { PROXY_PROTOCOL: 'on', TRUST_PROXY: '127.0.0.1' })
  }
}

/** Sends all of it, and resets before any of it can have been read. */
async function sendAndReset (s: Http2Scenario, gateway: Gateway, header: string | Buffer, { bytes, alpn }: Speech): Promise<void> {
  const socket = await connectedTo(s, gateway)
  if (alpn === undefined) {
    socket.write(Buffer.concat([Buffer.from(header), bytes]))
    socket.resetAndDestroy()
    return
  }
  socket.write(header)
  const secure = tls.connect({ socket, host: '127.0.0.1', ca: ca?.cert, ALPNProtocols: [alpn] })
  secure.on('error', () => {})
  s.atEnd(() => secure.destroy())
  await once(secure, 'secureConnect')
  secure.write(bytes, () => socket.resetAndDestroy())
}

async function connectedTo (s: Http2Scenario, gateway: Gateway): Promise<Socket> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  s.atEnd(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

for (const speech of SPEECHES.filter(({ alpn }) => alpn === undefined || ca !== undefined)) {
  for (const { how, header, address, port } of INTRODUCTIONS) {
    http2Scenario(`${speech.what}, ${how}`, async (s, t) => {
      const origin = await s.origin('a')
      const seen: Array<Record<string, unknown>> = []
      const gateway = await s.gateway([origin], {
        env: environment(speech.alpn !== undefined, header !== ''),
        extend: (app) => {
          app.addHook('onRequest', async ({ ip, peer: { address: peer, port: to, proto }, socket: { remoteAddress } }) => {
            seen.push({ ip, remoteAddress, peer, to, proto })
          })
        }
      })
      await sendAndReset(s, gateway, header, speech)
      await until('the request has come', () => seen.length > 0)
      const proto = speech.alpn === undefined ? 'http' : 'https'
      t.match(seen, [{ ip: address, remoteAddress: address, peer: address, to: port ?? String(gateway.port), proto }])
      await until('a line of it is in the log', () => gateway.logs.lines.some(({ url }) => url === '/leaving'))
      t.same(new Set(gateway.logs.lines.flatMap(({ client }) => client === undefined ? [] : [client])), new Set([address]))
      for (const { headers } of origin.requests) t.equal(headers['x-forwarded-for'], address)
    })
  }
}

for (const { how, header, address } of ca === undefined ? [] : INTRODUCTIONS) {
  http2Scenario(`a handshake that fails is told of with the address: ${how}`, async (s, t) => {
    const gateway = await s.gateway([await s.origin('a')], { env: { ...environment(true, header !== ''), LOG_LEVEL: 'debug' } })
    for (const bytes of ['this is no handshake', '\x16\x03\x01']) {
      const socket = await connectedTo(s, gateway)
      socket.write(Buffer.concat([Buffer.from(header), Buffer.from(bytes, 'latin1')]))
      socket.resetAndDestroy()
    }
    t.match(await gateway.logs.wait('TLS handshake failed', 2), [{ client: address }, { client: address }])
  })
}
