/** A well-behaved backend of HTTP/2 on node:http2, with TLS or without. Unless told otherwise it answers 200 with its name. */
import { once } from 'node:events'
import * as http2 from 'node:http2'
import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { resetConnection } from '../../src/client/reset.ts'
import { readAll } from './call.ts'
import { type Origin, PROBE_AGENT } from './origin.ts'
import { portOf } from './port.ts'

/** A request as node:http2 read it. */
export interface SeenStream {
  readonly method: string
  readonly path: string
  readonly headers: http2.IncomingHttpHeaders
  /** Names and values in turn, pseudo-fields first. */
  readonly rawHeaders: readonly string[]
  readonly stream: http2.ServerHttp2Stream
  /** The fields behind the body, once it has ended. */
  readonly trailers: string[]
  /** Settles with the code that the stream was closed with. */
  readonly closed: Promise<number>
  /** All of the body; fails if the stream ends before. */
  readonly body: () => Promise<Buffer>
}

export type StreamHandler = (seen: SeenStream) => void | Promise<void>

export interface Http2OriginOptions {
  /** Certificate and key; with them the origin speaks TLS. */
  readonly secure?: SecureContextOptions
  readonly settings?: http2.Settings
}

export class Http2Origin implements Origin {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Requests in the order of arrival, probes left out. */
  readonly requests: SeenStream[] = []
  /** Sessions that are open, probes' included. */
  readonly sessions = new Set<http2.ServerHttp2Session>()
  /** How many probes came. */
  probes = 0
  /** Every session that ever carried a request; none of them a probe's. */
  sessionsUsed = new Set<http2.Http2Session>()
  /** What is done with a probe. */
  onProbe: StreamHandler = ({ stream }) => { stream.respond({ ':status': 200 }, { endStream: true }) }

  readonly #server: http2.Http2Server | http2.Http2SecureServer
  readonly #sockets = new Set<Socket>()
  readonly #handler: StreamHandler

  private constructor (name: string, server: http2.Http2Server | http2.Http2SecureServer, scheme: string, handler: StreamHandler) {
    this.name = name
    this.#server = server
    this.#handler = handler
    this.port = portOf(server)
    this.url = `${scheme}://127.0.0.1:${this.port}`
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', ignore)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('session', (session: http2.ServerHttp2Session) => {
      this.sessions.add(session)
      session.on('error', ignore)
      session.once('close', () => this.sessions.delete(session))
    })
    server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, _flags: number, raw: string[]) => this.#take(stream, headers, raw))
  }

  static async start (name: string, handler: StreamHandler = answering(name), { secure, settings }: Http2OriginOptions = {}): Promise<Http2Origin> {
    const options = settings === undefined ? {} : { settings }
    const server = secure === undefined ? http2.createServer(options) : http2.createSecureServer({ ...options, ...secure })
    server.on('tlsClientError', ignore)
    server.on('unknownProtocol', (socket: Socket) => socket.destroy())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Http2Origin(name, server, secure === undefined ? 'h2c' : 'h2', handler)
  }

  get connections (): number {
    return this.#sockets.size
  }

  async stop (): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const session of this.sessions) session.destroy()
    for (const socket of this.#sockets) resetConnection(socket)
    await closed
  }

  #take (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    // A stream that the gateway gives up is what these tests are about.
    stream.on('error', ignore)
    const seen = seenStream(stream, headers, rawHeaders)
    if (headers['user-agent'] === PROBE_AGENT) {
      this.probes++
      void this.onProbe(seen)
      return
    }
    this.requests.push(seen)
    if (stream.session !== undefined) this.sessionsUsed.add(stream.session)
    void this.#handler(seen)
  }
}

/** Ends the answer behind `trailers`. */
export function endWithTrailers (stream: http2.ServerHttp2Stream, trailers: http2.OutgoingHttpHeaders, body: string | Buffer = ''): void {
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}

function seenStream (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, rawHeaders: readonly string[]): SeenStream {
  const trailers: string[] = []
  stream.on('trailers', (_trailers: http2.IncomingHttpHeaders, _flags: number, raw: string[]) => trailers.push(...raw))
  const closed = new Promise<number>((resolve) => { stream.once('close', () => resolve(stream.rstCode)) })
  let whole: Promise<Buffer> | undefined
  const body = (): Promise<Buffer> => (whole ??= readAll(stream))
  return { method: String(headers[':method']), path: String(headers[':path']), headers, rawHeaders, stream, trailers, closed, body }
}

function answering (text: string): StreamHandler {
  return ({ stream }) => {
    stream.respond({ ':status': 200, 'content-type': 'text/plain' })
    stream.end(text)
  }
}

function ignore (): void {}
