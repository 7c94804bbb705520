/** Connections whose last answer is decided: what comes behind it on them is not served (RFC 9112, section 9.6). */
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { http2Stream } from './client-response.ts'
import type { ClientReply } from './client-side.ts'
import { lingerOnClose } from './linger.ts'

const closing = new WeakSet<Socket>()

/** From now on no further request of the connection is served; it closes behind its present answer, which has to say so. */
function closeAfterAnswer (socket: Socket): void {
  closing.add(socket)
  lingerOnClose(socket)
}

/** Turns of the event loop that the last frame of an answer is waited for: it leaves within one or two, unless the client takes nothing. */
const MAX_TURNS = 16

/** Behind the last frame, the trailers that is, if there are any: a stream that is reset sends nothing more. */
function closeWhenSent (stream: ServerHttp2Stream, turns: number): void {
  if (stream.destroyed || turns === 0) return
  if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR)
  else setImmediate(closeWhenSent, stream, turns - 1)
}

/** RFC 9113, section 8.1: behind a whole answer the client is told to stop sending, without an error. */
function endUpload (stream: ServerHttp2Stream): void {
  stream.once('finish', () => closeWhenSent(stream, MAX_TURNS))
}

/** The same, told to the client with the answer that comes next. A stream of HTTP/2 ends by itself. */
export function closeBehind (reply: Pick<ClientReply, 'raw' | 'header'>, socket: Socket): void {
  const stream = http2Stream(reply.raw)
  if (stream !== undefined) return endUpload(stream)
  reply.header('connection', 'close')
  closeAfterAnswer(socket)
}

export function isClosing (socket: Socket): boolean {
  return closing.has(socket)
}
