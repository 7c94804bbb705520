/** A client of HTTP/2 on node:http2. */
import { once } from 'node:events'
import * as http2 from 'node:http2'
import { within } from './until.ts'

export interface Http2CallOptions {
  readonly method?: string
  /** Default: /. */
  readonly path?: string
  /** Further fields, names and values in turn. */
  readonly fields?: readonly string[]
  readonly body?: string | Buffer
  readonly trailers?: http2.OutgoingHttpHeaders
}

/** A whole answer. */
export interface Http2Answer {
  readonly status: number
  /** Of a repeated field all values, where Node gives them. */
  readonly headers: http2.IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  /** Provisional answers that came before. */
  readonly information: readonly http2.IncomingHttpHeaders[]
  readonly body: Buffer
  readonly text: string
  readonly trailers: readonly string[]
}

/** Opens a session; it is the caller's to close. `url` with https:// speaks TLS. */
export async function openSession (url: string, options: http2.ClientSessionOptions | http2.SecureClientSessionOptions = {}): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, options)
  session.on('error', ignore)
  await within('a session of HTTP/2 opens', once(session, 'connect'))
  return session
}

/** Sends the head of a request; what follows is the caller's business. Without `authority` the request has none. */
export function openStream (session: http2.ClientHttp2Session, options: Http2CallOptions = {}, isWhole = true, authority: string | undefined = 'client.test'): http2.ClientHttp2Stream {
  const { method = 'GET', path = '/', fields = [], trailers } = options
  const head = [':method', method, ':scheme', 'http', ...(authority === undefined ? [] : [':authority', authority]), ':path', path, ...fields]
  const stream = session.request(head, { endStream: isWhole, waitForTrailers: trailers !== undefined })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}))
  stream.on('error', ignore)
  return stream
}

/** Sends a request and reads the whole answer; fails if that is cut. */
export async function http2Call (session: http2.ClientHttp2Session, options: Http2CallOptions = {}): Promise<Http2Answer> {
  const isWhole = options.body === undefined && options.trailers === undefined
  const stream = openStream(session, options, isWhole)
  if (!isWhole) stream.end(options.body)
  return await wholeAnswer(stream)
}

/** The whole answer on a stream; fails if it is cut. */
export async function wholeAnswer (stream: http2.ClientHttp2Stream): Promise<Http2Answer> {
  const information: http2.IncomingHttpHeaders[] = []
  const trailers: string[] = []
  const chunks: Buffer[] = []
  let headers: http2.IncomingHttpHeaders = {}
  let rawHeaders: readonly string[] = []
  let hasEnded = false
  stream.on('headers', (provisional) => { information.push(provisional) })
  stream.on('trailers', (_trailers, _flags, raw: readonly string[]) => { trailers.push(...raw) })
  stream.on('response', (head, _flags, raw: readonly string[]) => {
    headers = head
    rawHeaders = raw
  })
  stream.on('data', (chunk: Buffer) => { chunks.push(chunk) })
  stream.on('end', () => { hasEnded = true })
  await within('the end of a stream', closeOf(stream), ANSWER_BOUND_MS)
  if (!hasEnded || stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) throw new Error(`the answer was cut (code ${stream.rstCode})`)
  const body = Buffer.concat(chunks)
  return { status: Number(headers[':status']), headers, rawHeaders, information, body, text: body.toString(), trailers }
}

/** Settles when the stream is over, whatever became of it; gives the code that it was closed with. */
export async function closeOf (stream: http2.Http2Stream): Promise<number> {
  if (!stream.closed || !stream.destroyed) await new Promise<void>((resolve) => { stream.once('close', () => resolve()) })
  return stream.rstCode
}

/** Ends a session, and waits until it has. */
export async function closeSession (session: http2.Http2Session): Promise<void> {
  if (session.destroyed) return
  const closed = once(session, 'close')
  session.destroy()
  await closed
}

const ANSWER_BOUND_MS = 5_000

function ignore (): void {}
