/**
 * Where the connections of clients come in. Each is counted, introduces itself if a proxy stands before it (PROXY protocol),
 * is decrypted if TLS is spoken here, and goes on to HTTP/1 or HTTP/2.
 */
import type { Server } from 'node:http'
import { Socket } from 'node:net'
import type * as tls from 'node:tls'
import type { FastifyError } from '@fastify/error'
import { ClientTimeoutError, ConnectionsExhaustedError } from '../errors.ts'
import type { TimeoutQueue } from '../timing/timeout-queue.ts'
import { type OnRefused, rawAnswer } from './client-errors.ts'
import { type Ends, endsOf, pinEnds } from './connection-ends.ts'
import { closeIfDeaf } from './deaf-tls.ts'
import { beginsLikeHttp2, type Http2Side } from './http2-side.ts'
import { linger } from './linger.ts'
import { peek, type PeekOptions } from './peek.ts'
import { distrust } from './peers.ts'
import { type ProxySource, readProxyHeader } from './proxy-protocol.ts'
import { judgeRequestLine } from './request-line.ts'
import type { Trust } from './trust.ts'

/** Beyond MAX_CONNECTIONS this share more are told why they are refused; those above it are just closed. */
const TOLD_SHARE = 0.1
const TOLD_AT_LEAST = 64

/** Places of which there is a number, for all threads together. */
export interface Places {
  /** Takes one; false if `limit` are taken. */
  acquire (limit: number): boolean
  /** Gives one back. */
  release (): void
}

export interface IntakeOptions {
  /** Who may introduce clients. */
  readonly trust: Trust
  /** Connections at a time; 0: any number. */
  readonly maxConnections: number
  /** Where connections are counted; those of one thread are counted by it. */
  readonly places: Places
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
  /** Those that shake hands, with what is known of them: behind the handshake stands another object. */
  readonly #handshakes = new Map<Socket, Introduction>()
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
    // Before those who tell of it: the kernel may not know any more who it was.
    options.tls?.prependListener('tlsClientError', (_error, socket) => {
      const introduction = this.#handshakes.get(rawSocketOf(socket))
      if (introduction !== undefined) pinEnds(socket, introduction.ends)
    })
  }

  /** Connections of clients that are open, with this thread. */
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
    const { maxConnections, places, proxyProtocol, trust } = this.#options
    // At once: a client that resets the connection takes its address with it.
    const ends = endsOf(socket)
    if (ends === undefined) {
      socket.destroy()
      return
    }
    if (!places.acquire(maxConnections > 0 ? maxConnections : Infinity)) return this.#turnAway(socket, maxConnections)
    this.#count++
    socket.once('close', this.#onClose)
    if (proxyProtocol && trust.trustsPeer(ends.address)) this.#readIntroduction(socket, ends)
    else this.#introduce(socket, { ends, isAnonymous: false })
  }

  readonly #onClose = (): void => {
    this.#count--
    this.#options.places.release()
  }

  #turnAway (socket: Socket, maxConnections: number): void {
    if (this.#turnedAway >= Math.max(TOLD_AT_LEAST, maxConnections * TOLD_SHARE)) {
      socket.destroy()
      return
    }
    this.#turnedAway++
    socket.once('close', () => { this.#turnedAway-- })
    this.#refuse(socket, new ConnectionsExhaustedError())
  }

  #readIntroduction (socket: Socket, ends: Ends): void {
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
      else this.#introduce(socket, { ends: source ?? ends, isAnonymous: source === undefined })
    })
  }

  #introduce (socket: Socket, introduction: Introduction): void {
    const { tls: tlsServer, http2 } = this.#options
    if (tlsServer !== undefined) return this.#shakeHands(tlsServer, socket, introduction)
    speakFor(socket, introduction)
    this.#readFirstLine(socket, http2)
  }

  #shakeHands (tlsServer: tls.Server, socket: Socket, introduction: Introduction): void {
    this.#handshakes.set(socket, introduction)
    socket.once('close', () => this.#handshakes.delete(socket))
    // Within the handshake an end is the end. Node would keep such a connection for ever.
    socket.allowHalfOpen = false
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
    const raw = rawSocketOf(socket)
    const introduction = this.#handshakes.get(raw)
    this.#handshakes.delete(raw)
    if (introduction === undefined) {
      // Nobody knows who that is.
      socket.destroy()
      return
    }
    socket.allowHalfOpen = true
    speakFor(socket, introduction)
    // With optional certificates: none is fine, one that cannot be verified is not.
    if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) {
      socket.destroy()
      return
    }
    if (socket.alpnProtocol === 'h2' && this.#options.http2 !== undefined) this.#options.http2.accept(socket)
    else {
      closeIfDeaf(socket)
      this.#readFirstLine(socket, undefined)
    }
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
        this.#refuse(socket, new ClientTimeoutError('send the head of its request', 'CLIENT_HEADERS_TIMEOUT_MS'), 'encrypted' in socket || this.#options.tls === undefined)
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
    for (const socket of this.#handshakes.keys()) socket.destroy()
  }
}

interface Introduction {
  /** Those that the proxy before it has named, or else its own. */
  readonly ends: Ends
  /** Whether a proxy stands before it that has not said whom it speaks for: then the ends are those of the proxy. */
  readonly isAnonymous: boolean
}

/** From here on the socket stands for whoever was introduced. */
function speakFor (socket: Socket, { ends, isAnonymous }: Introduction): void {
  pinEnds(socket, ends)
  if (isAnonymous) distrust(socket)
}

/** The connection below TLS. Node has no public name for it. */
function rawSocketOf (socket: tls.TLSSocket): Socket {
  const raw: unknown = Reflect.get(socket, '_parent')
  return raw instanceof Socket ? raw : socket
}
