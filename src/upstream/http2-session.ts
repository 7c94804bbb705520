/** A connection of HTTP/2 to a backend: many exchanges at a time, as many as the backend allows. */
import * as http2 from 'node:http2'
import type { Socket } from 'node:net'
import { UpstreamConnectFailedError } from '../errors.ts'
import type { BackendAddress } from './backend-address.ts'
import { openSocket, type SocketOptions } from './connector.ts'
import { causedBy, isOurs } from './failure.ts'

/** How long a session without exchanges is kept, in ms. */
const IDLE_TIMEOUT_MS = 60_000

/** What a backend that has not said otherwise yet is asked at most: RFC 9113, section 6.5.2, recommends no less for its limit. */
const STREAMS_UNTIL_TOLD = 100

/** The largest head of an answer, in bytes, as for HTTP/1.1. */
const MAX_HEAD_BYTES = 64 * 1024

/** Somebody who waits for the session to be open. */
export interface SessionWaiter {
  sessionOpened (session: http2.ClientHttp2Session): void
  /** It could not be opened; one of our errors. */
  sessionFailed (error: Error): void
}

export class Http2Session {
  /** Exchanges that are under way. */
  streams = 0
  /** Whether it has carried an answer. */
  isUsed = false
  readonly #address: BackendAddress
  readonly #socket: Socket
  readonly #onGone: (session: Http2Session) => void
  readonly #waiters = new Set<SessionWaiter>()
  #session: http2.ClientHttp2Session | undefined
  #error: Error | undefined
  #isRetired = false

  constructor (address: BackendAddress, options: SocketOptions, onGone: (session: Http2Session) => void) {
    this.#address = address
    this.#onGone = onGone
    this.#socket = openSocket(address, 'h2', options, () => this.#open())
    this.#socket.on('error', (error) => { this.#error ??= error })
    this.#socket.on('close', () => this.#gone())
  }

  /** Whether another exchange fits in. */
  get hasRoom (): boolean {
    if (this.#isRetired || this.#session?.closed === true || this.#session?.destroyed === true) return false
    return this.streams < (this.#session?.remoteSettings?.maxConcurrentStreams ?? STREAMS_UNTIL_TOLD)
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

  /** Ends it at once. */
  destroy (): void {
    if (this.#session === undefined) this.#socket.destroy()
    else this.#session.destroy()
  }

  /** Only now: Node's session does not take a socket that turns out to speak something else. */
  #open (): void {
    const session = http2.connect(`${this.#address.isTls ? 'https' : 'http'}://${this.#address.authority}`, {
      createConnection: () => this.#socket,
      settings: { enablePush: false, maxHeaderListSize: MAX_HEAD_BYTES },
      maxHeaderListPairs: 1_000
    })
    // Its streams are told by themselves.
    session.on('error', (error: Error) => { this.#error ??= error })
    session.once('goaway', () => { this.#isRetired = true })
    session.once('close', () => this.#gone())
    session.setTimeout(IDLE_TIMEOUT_MS, () => { if (this.streams === 0) session.close() })
    this.#session = session
    for (const waiter of this.#waiters) waiter.sessionOpened(session)
    this.#waiters.clear()
  }

  #gone (): void {
    this.#isRetired = true
    this.#onGone(this)
    const error = this.#error
    for (const waiter of this.#waiters) waiter.sessionFailed(error !== undefined && isOurs(error) ? error : causedBy(new UpstreamConnectFailedError(), error))
    this.#waiters.clear()
  }
}
