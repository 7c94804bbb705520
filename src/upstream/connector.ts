/** Opens the socket of an upstream connection: TCP or TLS, with one deadline over name lookup, connect and handshake. */
import * as net from 'node:net'
import * as tls from 'node:tls'
import { UpstreamConnectFailedError, UpstreamConnectTimeoutError } from '../errors.ts'

/** Idle time after which the kernel asks whether the peer is still there, in ms. */
const TCP_KEEPALIVE_MS = 60_000

export interface ConnectTarget {
  readonly hostname: string
  readonly port: string
  /** `http:` or `https:`. */
  readonly protocol: string
  /** The name for SNI and for the certificate's verification. */
  readonly servername?: string | undefined
}

export type ConnectCallback = (...result: [null, net.Socket] | [Error, null]) => void

/** TLS sessions of one backend, so that later handshakes are short. */
export interface TlsSessions {
  last?: Buffer
}

/** Opens a socket; calls back exactly once. TLS is verified. */
export function openSocket (target: ConnectTarget, timeoutMs: number, sessions: TlsSessions, callback: ConnectCallback): net.Socket {
  const isTls = target.protocol === 'https:'
  const socket = isTls ? openTls(target, sessions) : openTcp(target)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS)
  const timer = setTimeout(() => socket.destroy(new UpstreamConnectTimeoutError(timeoutMs)), timeoutMs)
  const readyEvent = isTls ? 'secureConnect' : 'connect'

  const onReady = (): void => {
    stopWaiting()
    callback(null, socket)
  }
  const onError = (error: Error): void => {
    stopWaiting()
    callback(error, null)
  }
  const onClose = (): void => onError(new UpstreamConnectFailedError())
  const stopWaiting = (): void => {
    clearTimeout(timer)
    socket.off(readyEvent, onReady).off('error', onError).off('close', onClose)
  }
  socket.once(readyEvent, onReady).once('error', onError).once('close', onClose)
  return socket
}

function openTcp ({ hostname, port }: ConnectTarget): net.Socket {
  return net.connect({ host: bareHost(hostname), port: Number(port || 80) })
}

function openTls ({ hostname, port, servername }: ConnectTarget, sessions: TlsSessions): tls.TLSSocket {
  const host = bareHost(hostname)
  const name = servername ?? (net.isIP(host) === 0 ? host : undefined)
  const socket = tls.connect({
    host,
    port: Number(port || 443),
    ALPNProtocols: ['http/1.1'],
    ...(name !== undefined && { servername: name }),
    ...(sessions.last !== undefined && { session: sessions.last })
  })
  socket.on('session', (session) => { sessions.last = session })
  return socket
}

/** `[::1]` as URLs write it is `::1` to a socket. */
function bareHost (hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}
