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

/** `:method`, `:scheme`, `:authority`, `:path` */
const PSEUDO_FIELDS = 4

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
}

export class Http2Side {
  readonly #server: http2.Http2Server
  /** With the number of their streams. */
  readonly #sessions = new Map<http2.ServerHttp2Session, number>()
  #isClosing = false

  constructor ({ maxStreams, maxFields, maxHeadBytes, idleTimeoutMs, serve }: Http2SideOptions) {
    this.#server = http2.createServer({
      settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeadBytes, enablePush: false, enableConnectProtocol: false },
      // With its pseudo-fields. One more gets through, to be told why it is refused.
      maxHeaderListPairs: maxFields + PSEUDO_FIELDS + 1,
      maxSessionInvalidFrames: MAX_INVALID_FRAMES,
      maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESETS_PER_SECOND
    })
    this.#server.on('request', serve)
    this.#server.on('checkContinue', serve)
    this.#server.on('checkExpectation', serve)
    this.#server.on('session', (session) => this.#add(session, idleTimeoutMs))
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

  #add (session: http2.ServerHttp2Session, idleTimeoutMs: number): void {
    this.#sessions.set(session, 0)
    session.once('close', () => this.#sessions.delete(session))
    // A client that breaks the protocol ends its own session; nobody else has to know.
    session.on('error', ignore)
    session.on('stream', (stream) => {
      this.#count(session, 1)
      stream.once('close', () => this.#count(session, -1))
    })
    session.setTimeout(idleTimeoutMs, () => this.#end(session))
    if (this.#isClosing) session.close()
  }

  #count (session: http2.ServerHttp2Session, change: 1 | -1): void {
    const streams = this.#sessions.get(session)
    if (streams !== undefined) this.#sessions.set(session, streams + change)
  }

  /** Lets what is under way finish. Half a head or frame is nothing that could. */
  #end (session: http2.ServerHttp2Session): void {
    if (this.#sessions.get(session) === 0) session.destroy()
    else session.close()
  }
}

/** Whether a connection begins like one of HTTP/2: `undefined` as long as it may. */
export function beginsLikeHttp2 (bytes: Buffer): boolean | undefined {
  const length = Math.min(bytes.length, PREFACE.length)
  if (bytes.compare(PREFACE, 0, length, 0, length) !== 0) return false
  return length === PREFACE.length ? true : undefined
}

function ignore (): void {}
