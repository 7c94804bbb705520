/** HTTP/2 of clients (RFC 9113): sessions over connections that somebody else has accepted; requests take the way of all others. */
import * as http2 from 'node:http2'
import type { Socket } from 'node:net'

/** What a client of prior knowledge sends first (RFC 9113, section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/**
 * Streams that a client may reset at once, and in a second from then on ("rapid reset", CVE-2023-44487): beyond it the
 * session ends. A browser that leaves a page resets all that it had asked for, which is at most the streams it may open.
 */
const RESET_BURST = 256
const RESETS_PER_SECOND = 64

/** Frames that break the protocol, and streams that had to be refused, before a session ends. */
const MAX_INVALID_FRAMES = 100
const MAX_REJECTED_STREAMS = 100

/** How many times the limits Node lets through. */
const ROOM = 2

/** Cookies may come in a field each (RFC 9113, section 8.2.3), and pseudo-fields come besides: so many more are let through. */
const CRUMBS = 256

/** What a field counts besides its bytes (RFC 9113, section 6.5.2). */
const FIELD_OVERHEAD_BYTES = 32

export interface Http2SideOptions {
  /** Streams at a time in a session. */
  readonly maxStreams: number
  /** Fields in the head of a request. */
  readonly maxFields: number
  /** The head of a request, in bytes with its target. */
  readonly maxHeadBytes: number
  /** Silence of a session after which it ends, in ms; what is under way still finishes. */
  readonly idleTimeoutMs: number
  /** Carries a request out. */
  readonly serve: (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void
  /** Answers a CONNECT, which is no request for anybody behind us. */
  readonly refuseConnect: (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void
}

export class Http2Side {
  readonly #server: http2.Http2Server
  /** With the number of their streams. */
  readonly #sessions = new Map<http2.ServerHttp2Session, number>()
  readonly #idleTimeoutMs: number
  /** By the session that they go over. */
  readonly #unanswered = new WeakMap<http2.Http2Session, Set<http2.Http2ServerResponse>>()
  #isClosing = false

  constructor ({ maxStreams, maxFields, maxHeadBytes, idleTimeoutMs, serve, refuseConnect }: Http2SideOptions) {
    this.#idleTimeoutMs = idleTimeoutMs
    const note = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void => {
      // Node tells of a request even if what came behind it has ended the session: there is nobody to be answered.
      if (request.stream.destroyed) return
      this.#note(response)
      serve(request, response)
    }
    this.#server = http2.createServer({
      // Node resets the stream of a larger head without a word: what is not much too large gets through, to be told why it is refused.
      settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: ROOM * maxHeadBytes + FIELD_OVERHEAD_BYTES * (ROOM * maxFields + CRUMBS), enablePush: false, enableConnectProtocol: false },
      maxHeaderListPairs: ROOM * maxFields + CRUMBS,
      maxSessionInvalidFrames: MAX_INVALID_FRAMES,
      maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESETS_PER_SECOND
    })
    for (const event of ['request', 'checkContinue', 'checkExpectation']) this.#server.on(event, note)
    this.#server.on('connect', refuseConnect)
    this.#server.on('session', (session) => this.#add(session))
  }

  /** Sessions that are open. */
  get size (): number {
    return this.#sessions.size
  }

  /** Speaks HTTP/2 on a connection, plain or TLS. */
  accept (socket: Socket): void {
    // Unlike in HTTP/1, a client that ends its side has left.
    socket.allowHalfOpen = false
    this.#server.emit('connection', socket)
  }

  /** No new requests; sessions end when what is under way has finished (GOAWAY). */
  close (): void {
    this.#isClosing = true
    for (const session of this.#sessions.keys()) this.#end(session)
  }

  /** Ends all sessions at once. */
  destroyAll (): void {
    for (const session of this.#sessions.keys()) session.destroy()
  }

  #add (session: http2.ServerHttp2Session): void {
    this.#sessions.set(session, 0)
    session.once('close', () => this.#sessions.delete(session))
    // A client that breaks the protocol ends its own session; nobody else has to know.
    session.on('error', ignore)
    session.on('stream', (stream) => {
      this.#count(session, 1)
      stream.once('close', () => this.#count(session, -1))
    })
    session.setTimeout(this.#idleTimeoutMs, () => this.#end(session))
    if (this.#isClosing) session.close()
  }

  #count (session: http2.ServerHttp2Session, change: 1 | -1): void {
    const streams = this.#sessions.get(session)
    if (streams !== undefined) this.#sessions.set(session, streams + change)
  }

  /** Lets what is under way finish. Half a head or frame is nothing that could. */
  #end (session: http2.ServerHttp2Session): void {
    if (this.#sessions.get(session) === 0) {
      session.destroy()
      return
    }
    session.close()
    this.#destroyWhenOver(session)
  }

  /** Node may wait for ever for streams that nobody works on any more: one whose client takes nothing, or one that it has lost. */
  #destroyWhenOver (session: http2.ServerHttp2Session): void {
    let written = writtenTo(session)
    const timer = setInterval(() => {
      const now = writtenTo(session)
      if (!this.#isUnderWay(session) && now === written) session.destroy()
      written = now
    }, this.#idleTimeoutMs)
    timer.unref()
    session.once('close', () => clearInterval(timer))
  }

  #note (response: http2.Http2ServerResponse): void {
    const { session } = response.stream
    if (session === undefined) return
    const unanswered = this.#unanswered.get(session) ?? new Set()
    this.#unanswered.set(session, unanswered)
    unanswered.add(response)
    response.once('close', () => unanswered.delete(response))
  }

  /** Whether anybody still works on an answer. */
  #isUnderWay (session: http2.ServerHttp2Session): boolean {
    for (const response of this.#unanswered.get(session) ?? []) {
      if (!response.writableEnded && !response.stream.closed) return true
    }
    return false
  }
}

/** Whether a connection begins like one of HTTP/2: `undefined` as long as it may. */
export function beginsLikeHttp2 (bytes: Buffer): boolean | undefined {
  const length = Math.min(bytes.length, PREFACE.length)
  if (bytes.compare(PREFACE, 0, length, 0, length) !== 0) return false
  return length === PREFACE.length ? true : undefined
}

/** Bytes that have gone to the client. */
function writtenTo (session: http2.ServerHttp2Session): number {
  return session.destroyed ? 0 : session.socket.bytesWritten
}

function ignore (): void {}
