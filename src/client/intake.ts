/**
 * Where the connections of clients come in. Each is counted, introduces itself if a proxy stands before it (PROXY protocol),
 * is decrypted if TLS is spoken here, and goes on to HTTP/1 or HTTP/2.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type * as tls from 'node:tls'
import type { FastifyError } from '@fastify/error'
import { ClientTimeoutError, ConnectionsExhaustedError } from '../errors.ts'
import type { TimeoutQueue } from '../timing/timeout-queue.ts'
import { type OnRefused, rawAnswer } from './client-errors.ts'
import { beginsLikeHttp2, type Http2Side } from './http2-side.ts'
import { linger } from './linger.ts'
import { peek, type PeekOptions } from './peek.ts'
import { type ProxySource, readProxyHeader } from './proxy-protocol.ts'
import { judgeRequestLine } from './request-line.ts'
import type { Trust } from './trust.ts'

/** Beyond MAX_CONNECTIONS this share more are told why they are refused; those above it are just closed. */
const TOLD_SHARE = 0.1
const TOLD_AT_LEAST = 64

export interface IntakeOptions {
  /** Who may introduce clients. */
  readonly trust: Trust
  /** Connections at a time; 0: any number. */
  readonly maxConnections: number
  /** The longest target, in bytes. */
  readonly maxTargetBytes: number
  /** Whether trusted peers begin with a header of the PROXY protocol. */
  readonly proxyProtocol: boolean
  /** The time that a client has for its first bytes. */
  readonly timeouts: TimeoutQueue
  readonly tls: tls.Server | undefined
  readonly http2: Http2Side | undefined
  readonly onRefused: OnRefused
}

export class Intake {
  readonly #options: IntakeOptions
  readonly #serveHttp1: (socket: Socket) => void
  /** Not yet with HTTP, which would know them. */
  readonly #pending = new Set<Socket>()
  /** Those that shake hands, by address and port: behind the handshake stands another object. */
  readonly #handshakes = new Map<string, Handshake>()
  #count = 0
  /** Refused for their number, and not gone yet. */
  #turnedAway = 0

  /** Takes the place of the HTTP server's own listener for connections. */
  constructor (server: Server, options: IntakeOptions) {
    this.#options = options
    const listeners = server.listeners('connection')
    this.#serveHttp1 = (socket) => { for (const listener of listeners) listener.call(server, socket) }
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => this.#accept(socket))
    options.tls?.on('secureConnection', (socket) => this.#secured(socket))
  }

  /** Connections of clients that are open. */
  get size (): number {
    return this.#count
  }

  /** Ends the connections that have not said anything yet, and those of HTTP/2 when they have finished. */
  close (): void {
    this.#destroyPending()
    this.#options.http2?.close()
  }

  /** Ends all that the HTTP server does not know of. */
  destroyAll (): void {
    this.#destroyPending()
    this.#options.http2?.destroyAll()
  }

  #accept (socket: Socket): void {
    const { maxConnections, proxyProtocol, trust } = this.#options
    if (maxConnections > 0 && this.#count >= maxConnections) return this.#turnAway(socket, maxConnections)
    this.#count++
    socket.once('close', this.#onClose)
    if (proxyProtocol && trust.trustsPeer(socket.remoteAddress)) this.#readIntroduction(socket)
    else this.#introduce(socket, undefined)
  }

  readonly #onClose = (): void => { this.#count-- }

  #turnAway (socket: Socket, maxConnections: number): void {
    if (this.#turnedAway >= Math.max(TOLD_AT_LEAST, maxConnections * TOLD_SHARE)) {
      socket.destroy()
      return
    }
    this.#turnedAway++
    socket.once('close', () => { this.#turnedAway-- })
    this.#refuse(socket, new ConnectionsExhaustedError())
  }

  #readIntroduction (socket: Socket): void {
    let source: ProxySource | undefined
    let isBad = false
    this.#peek(socket, (bytes) => {
      const header = readProxyHeader(bytes)
      if (header.state === 'more') return { state: 'more' }
      isBad = header.state === 'bad'
      if (header.state === 'done') source = header.source
      return { state: 'done', taken: header.state === 'done' ? header.length : 0 }
    }, () => {
      // There is nobody to be answered: what follows cannot be HTTP that was meant for us.
      if (isBad) socket.destroy()
      else this.#introduce(socket, source)
    })
  }

  #introduce (socket: Socket, source: ProxySource | undefined): void {
    const { tls: tlsServer, http2 } = this.#options
    if (tlsServer !== undefined) return this.#shakeHands(tlsServer, socket, source)
    if (source !== undefined) speakFor(socket, source)
    this.#readFirstLine(socket, http2)
  }

  #shakeHands (tlsServer: tls.Server, socket: Socket, source: ProxySource | undefined): void {
    const key = addressOf(socket)
    this.#handshakes.set(key, { socket, source })
    socket.once('close', () => this.#handshakes.delete(key))
    tlsServer.emit('connection', socket)
  }

  /** Tells HTTP/2 from HTTP/1, and refuses what is neither. */
  #readFirstLine (socket: Socket, http2: Http2Side | undefined): void {
    let isHttp2 = false
    let fault: FastifyError | null | undefined
    this.#peek(socket, (bytes) => {
      const answer = http2 === undefined ? false : beginsLikeHttp2(bytes)
      if (answer === undefined) return { state: 'more' }
      isHttp2 = answer
      if (!isHttp2) fault = judgeRequestLine(bytes, this.#options.maxTargetBytes)
      return isHttp2 || fault !== undefined ? { state: 'done', taken: 0 } : { state: 'more' }
    }, () => {
      if (fault !== null && fault !== undefined) this.#refuse(socket, fault, true)
      else if (isHttp2) http2?.accept(socket)
      else this.#serveHttp1(socket)
    })
  }

  #secured (socket: tls.TLSSocket): void {
    const key = addressOf(socket)
    const source = this.#handshakes.get(key)?.source
    this.#handshakes.delete(key)
    if (source !== undefined) speakFor(socket, source)
    // With optional certificates: none is fine, one that cannot be verified is not.
    if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) {
      socket.destroy()
      return
    }
    if (socket.alpnProtocol === 'h2' && this.#options.http2 !== undefined) this.#options.http2.accept(socket)
    else this.#readFirstLine(socket, undefined)
  }

  #peek (socket: Socket, judge: PeekOptions['judge'], onDone: () => void): void {
    this.#pending.add(socket)
    const forget = (): void => { this.#pending.delete(socket) }
    socket.once('close', forget)
    peek({
      socket,
      judge,
      timeouts: this.#options.timeouts,
      onDone: () => {
        socket.off('close', forget)
        forget()
        onDone()
      },
      onTimeout: () => {
        forget()
        this.#refuse(socket, new ClientTimeoutError('head', 'CLIENT_HEADERS_TIMEOUT_MS'), 'encrypted' in socket || this.#options.tls === undefined)
      }
    })
  }

  #refuse (socket: Socket, error: FastifyError, speaksHttp = this.#options.tls === undefined): void {
    this.#options.onRefused(error, socket)
    // Plain text would only confuse a client that waits for a handshake.
    if (speaksHttp) socket.write(rawAnswer(error), 'latin1')
    linger(socket)
  }

  #destroyPending (): void {
    for (const socket of this.#pending) socket.destroy()
    for (const { socket } of this.#handshakes.values()) socket.destroy()
  }
}

interface Handshake {
  readonly socket: Socket
  /** Whom the proxy before it has introduced. */
  readonly source: ProxySource | undefined
}

/** From here on the socket names the connection that the proxy spoke for. */
function speakFor (socket: Socket, { address, port, localAddress, localPort }: ProxySource): void {
  const values = { remoteAddress: address, remotePort: port, localAddress, localPort }
  for (const [name, value] of Object.entries(values)) Object.defineProperty(socket, name, { value, configurable: true })
}

function addressOf (socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
