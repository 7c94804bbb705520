/** Waits until a connection of HTTP/1.1 owes no answer: pipelined requests are answered in their order (RFC 9112, section 9.3.2). */
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Where Node notes it, and nowhere else. */
const CURRENT = '_httpMessage'

/** The response that the connection is busy with. */
export function responseOf (socket: Socket): ServerResponse | undefined {
  return CURRENT in socket && socket[CURRENT] instanceof ServerResponse ? socket[CURRENT] : undefined
}

/** Calls back when every request before has been answered; at once, if that is so. Not at all if the connection closes. */
export function whenFree (socket: Socket, callback: () => void): void {
  const pending = responseOf(socket)
  if (socket.destroyed) return
  if (pending === undefined) callback()
  // The next response gets the connection when this one has let go of it.
  else pending.once('close', () => setImmediate(whenFree, socket, callback))
}
