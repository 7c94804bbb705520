/**
 * The time that a client may be silent within a body that a route of an extension reads. Who reads it, and how, is the route's
 * business, so nothing is put in between: from time to time it is looked whether the connection has moved.
 */
import { ClientTimeoutError } from '../errors.ts'
import { Deadline } from '../timing/deadline.ts'
import type { TimeoutQueue } from '../timing/timeout-queue.ts'
import type { ClientReply, RawRequest } from './client-side.ts'
import { closeBehind } from './closing.ts'

/** Answers 408 when nothing has come for the time of the queue and the body is not whole; an answer that has begun is cut. */
export function watchBody (raw: RawRequest, reply: ClientReply, timeouts: TimeoutQueue): void {
  const socket = raw.stream?.session?.socket ?? raw.socket
  let seen = socket.bytesRead
  const deadline = new Deadline((timeoutMs) => {
    // What has come, and the route has not read, is not the client's fault.
    if (socket.bytesRead !== seen || raw.readableLength > 0 || (raw.stream?.readableLength ?? 0) > 0) {
      seen = socket.bytesRead
      timeouts.start(deadline)
      return
    }
    const error = new ClientTimeoutError('send the body of its request', `CLIENT_BODY_TIMEOUT_MS: ${timeoutMs} ms of silence`)
    if (reply.raw.headersSent) raw.destroy(error)
    else {
      closeBehind(reply, raw.socket)
      reply.send(error)
    }
  })
  const stop = (): void => deadline.clear()
  raw.once('end', stop)
  raw.once('close', stop)
  timeouts.start(deadline)
}
