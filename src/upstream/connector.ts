/** Opens the socket of an upstream connection: TCP or TLS, with one deadline over name lookup, connect and handshake. */
import * as net from 'node:net'
import * as tls from 'node:tls'
import { UpstreamConnectFailedError, UpstreamConnectTimeoutError } from '../errors.ts'
import { processAfter } from '../timing/timeout-queue.ts'
import type { BackendAddress } from './backend-address.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** Idle time after which the kernel asks whether the peer is still there, in ms. */
const TCP_KEEPALIVE_MS = 60_000

export interface SocketOptions {
  /** Time for name lookup, connect and handshake together, in ms. */
  readonly connectTimeoutMs: number
  readonly tls: UpstreamTls
}

/** Takes what is read, in place of the stream's `data`: the listener of TCP alone. */
export interface Reader {
  /** The buffer of the next read. */
  buffer (): Uint8Array
  /** So many bytes of the buffer were read. */
  read (bytes: number, buffer: Uint8Array): void
}

/**
 * Opens a socket; `onReady` is called once when it can be written. Whatever goes wrong before destroys it: with one of our
 * errors, or with that of the system. TLS has to agree on `protocol`. With a `reader`, TCP has no stream to read from.
 */
export function openSocket (address: BackendAddress, protocol: 'http/1.1' | 'h2', { connectTimeoutMs, tls: tlsOptions }: SocketOptions, onReady: () => void, reader?: Reader): net.Socket {
  const socket = address.isTls
    ? openTls(address, protocol, tlsOptions)
    : openTcp(address, reader)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS)
  const cancelTimeout = processAfter(connectTimeoutMs, () => socket.destroy(new UpstreamConnectTimeoutError(connectTimeoutMs)))
  socket.once('close', cancelTimeout)
  socket.once(address.isTls ? 'secureConnect' : 'connect', () => {
    cancelTimeout()
    if (socket instanceof tls.TLSSocket && protocol === 'h2' && socket.alpnProtocol !== 'h2') {
      const error = new UpstreamConnectFailedError()
      error.cause = new Error('the backend does not speak HTTP/2 over TLS (ALPN): give it as https:// to use HTTP/1.1')
      socket.destroy(error)
      return
    }
    onReady()
  })
  return socket
}

function openTcp ({ hostname, port }: BackendAddress, reader: Reader | undefined): net.Socket {
  if (reader === undefined) return net.connect({ host: hostname, port })
  const onread = {
    buffer: () => reader.buffer(),
    callback: (bytes: number, buffer: Uint8Array): boolean => {
      reader.read(bytes, buffer)
      // A reader that wants no more pauses the socket by itself.
      return true
    }
  }
  return net.connect({ host: hostname, port, onread })
}

function openTls (address: BackendAddress, protocol: string, options: UpstreamTls): tls.TLSSocket {
  const { hostname, port, url } = address
  const name = options.servername ?? (net.isIP(hostname) === 0 ? hostname : undefined)
  const session = options.sessions.get(url)
  const socket = tls.connect({
    host: hostname,
    port,
    ALPNProtocols: [protocol],
    secureContext: options.context,
    rejectUnauthorized: !options.unverified.has(url),
    ...(name !== undefined && { servername: name }),
    ...(session !== undefined && { session })
  })
  socket.on('session', (fresh) => { options.sessions.set(url, fresh) })
  return socket
}
