/** A connection of HTTP/2 to a backend: many exchanges at a time, as many as the backend allows. */
import * as http2 from 'node:http2'
import type { Socket } from 'node:net'
import { UpstreamConnectFailedError } from '../errors.ts'
import { processAfter } from '../timing/timeout-queue.ts'
import { MAX_RESPONSE_HEAD_BYTES } from '../wire/response-parser.ts'
import type { BackendAddress } from './backend-address.ts'
import { openSocket, type SocketOptions } from './connector.ts'
import { causedBy, isOurs } from './failure.ts'

/** How long a session without exchanges is kept, in ms. */
const IDLE_TIMEOUT_MS = 60_000

/** How long a session that was silent for too long may take to acknowledge a PING, in ms. */
const PING_TIMEOUT_MS = 5_000

/** What a backend that has not said otherwise yet is asked at most: RFC 9113, section 6.5.2, recommends no less for its limit. */
const STREAMS_UNTIL_TOLD = 100

/**
 * The largest head of a request, in bytes; Node's own limit is 64 KiB, and a head above it ends the session. What clients may
 * send is limited on their side (MAX_HEADER_BYTES, MAX_TARGET_BYTES: 1 MiB each at most); this leaves room for what the gateway adds.
 */
const MAX_REQUEST_HEAD_BYTES = 8 * 1024 * 1024

const { NGHTTP2_REFUSED_STREAM } = http2.constants

/** Somebody who waits for the session to be open. */
export interface SessionWaiter {
  sessionOpened (session: http2.ClientHttp2Session): void
  /** It could not be opened; one of our errors. */
  sessionFailed (error: Error): void
}

export interface Http2SessionOptions extends SocketOptions {
  /** Told when it is gone; more than once. */
  readonly onGone: (session: Http2Session) => void
  /** Default: PING_TIMEOUT_MS. */
  readonly pingTimeoutMs?: number
}

export class Http2Session {
  /** Exchanges that are under way. */
  streams = 0
  /** Whether it has carried an answer. */
  isUsed = false
  readonly #address: BackendAddress
  readonly #socket: Socket
  readonly #onGone: (session: Http2Session) => void
  readonly #pingTimeoutMs: number
  readonly #waiters = new Set<SessionWaiter>()
  #session: http2.ClientHttp2Session | undefined
  #error: Error | undefined
  #maxStreams = STREAMS_UNTIL_TOLD
  #isRetired = false
  #isSuspect = false
  #cancelPing: (() => void) | undefined
  /** What the backend said last as it went (GOAWAY). */
  #lastStream = Infinity
  #goawayCode: number | undefined

  constructor (address: BackendAddress, options: Http2SessionOptions) {
    this.#address = address
    this.#onGone = options.onGone
    this.#pingTimeoutMs = options.pingTimeoutMs ?? PING_TIMEOUT_MS
    this.#socket = openSocket(address, 'h2', options, () => this.#open())
    // There is no half of a session: a backend that ends its side has ended it.
    this.#socket.allowHalfOpen = false
    this.#socket.on('error', (error) => { this.#error ??= error })
    this.#socket.on('close', () => this.#gone())
  }

  /** Whether nothing new can be sent over it for good: it is closed, or the backend is about to close it. */
  get hasEnded (): boolean {
    return this.#isRetired || this.#session?.closed === true || this.#session?.destroyed === true
  }

  /** Whether another exchange fits in. */
  get hasRoom (): boolean {
    return this.streams < this.#maxStreams && !this.#isSuspect && !this.hasEnded
  }

  /** Whether the backend takes no exchange on it for now (a limit of 0, RFC 9113, section 6.5.2). */
  get isOnHold (): boolean {
    return this.#maxStreams === 0 && !this.#isSuspect && !this.hasEnded
  }

  /** Tells the waiter when the session is open, at once if it is. */
  whenOpen (waiter: SessionWaiter): void {
    if (this.#session === undefined) this.#waiters.add(waiter)
    else waiter.sessionOpened(this.#session)
  }

  /** The waiter does not want to know any more. */
  leave (waiter: SessionWaiter): void {
    this.#waiters.delete(waiter)
  }

  /**
   * Whether the backend has not looked at this stream, by its own word (RFC 9113, section 8.7): it refused it, or left it out
   * of what it said it would still do; or Node has not sent it.
   */
  leftOut ({ id, rstCode }: http2.ClientHttp2Stream): boolean {
    if (id === undefined || id > this.#lastStream) return true
    // Node gives the code of a GOAWAY to all of its streams.
    return rstCode === NGHTTP2_REFUSED_STREAM && this.#goawayCode !== NGHTTP2_REFUSED_STREAM
  }

  /** Nothing new is sent over it any more; what is under way goes on. */
  retire (): void {
    this.#isRetired = true
  }

  /** An exchange waited for too long. Whether the session is alive is asked; until it has answered, it gets nothing new, and if it does not, it is ended. */
  suspect (): void {
    const session = this.#session
    if (session === undefined || this.#isSuspect || this.hasEnded) return
    this.#isSuspect = true
    this.#cancelPing = processAfter(this.#pingTimeoutMs, () => this.#giveUp(session))
    session.ping((error) => {
      if (error !== null) return
      this.#cancelPing?.()
      this.#isSuspect = false
    })
  }

  /** Ends it at once. */
  destroy (): void {
    if (this.#session === undefined) this.#socket.destroy()
    else this.#session.destroy()
  }

  /** Only now: Node's session does not take a socket that turns out to speak something else. */
  #open (): void {
    const session = http2.connect(`${this.#address.isTls ? 'https' : 'http'}://${this.#address.authority}`, {
      createConnection: () => this.#socket,
      settings: { enablePush: false, maxHeaderListSize: MAX_RESPONSE_HEAD_BYTES },
      maxHeaderListPairs: 1_000,
      maxSendHeaderBlockLength: MAX_REQUEST_HEAD_BYTES
    })
    // Its streams are told by themselves.
    session.on('error', (error: Error) => { this.#error ??= error })
    session.on('remoteSettings', ({ maxConcurrentStreams = Infinity }: http2.Settings) => { this.#maxStreams = maxConcurrentStreams })
    session.on('goaway', (code: number, lastStream: number) => {
      this.retire()
      this.#goawayCode = code
      this.#lastStream = Math.min(this.#lastStream, lastStream)
    })
    session.once('close', () => this.#gone())
    session.setTimeout(IDLE_TIMEOUT_MS, () => { if (this.streams === 0) session.close() })
    this.#session = session
    for (const waiter of this.#waiters) waiter.sessionOpened(session)
    this.#waiters.clear()
  }

  #giveUp (session: http2.ClientHttp2Session): void {
    session.destroy(new Error(`the session was silent, and a PING was not acknowledged within ${this.#pingTimeoutMs} ms`))
    // Node would wait until all is written, which nobody reads.
    this.#socket.destroy()
  }

  #gone (): void {
    this.retire()
    this.#cancelPing?.()
    this.#onGone(this)
    const error = this.#error
    for (const waiter of this.#waiters) waiter.sessionFailed(error !== undefined && isOurs(error) ? error : causedBy(new UpstreamConnectFailedError(), error))
    this.#waiters.clear()
  }
}
