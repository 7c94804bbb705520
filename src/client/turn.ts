/** Waits until a connection of HTTP/1.1 owes no answer: pipelined requests are answered in their order (RFC 9112, section 9.3.2). */
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Where Node notes it, and nowhere else. */
const CURRENT = '_httpMessage'

/** The response that the connection is busy with. */
export function responseOf (socket: Socket): ServerResponse | undefined {
  return CURRENT in socket && socket[CURRENT] instanceof ServerResponse ? socket[CURRENT] : undefined
}

/** Calls back when every request before one that Node took for an upgrade has been answered; at once, if that is so. Not at all if the connection closes. */
export function whenFree (socket: Socket, callback: () => void): void {
  const pending = responseOf(socket)
  if (socket.destroyed) return
  if (pending === undefined) return callback()
  // Node has let go of the connection, and tells the response no more when there is room again.
  const onDrain = (): void => { if (pending.writableNeedDrain) pending.emit('drain') }
  socket.on('drain', onDrain)
  pending.once('close', () => {
    socket.off('drain', onDrain)
    // The next response gets the connection when this one has let go of it.
    setImmediate(whenFree, socket, callback)
  })
}

const waiting = new WeakMap<Socket, number>()

/** How many requests of a connection wait for their turn. */
export function waitingOn (socket: Socket): number {
  return waiting.get(socket) ?? 0
}

/** One more waits, or one less; how many there are now. */
export function noteWaiting (socket: Socket, change: 1 | -1): number {
  const count = waitingOn(socket) + change
  waiting.set(socket, count)
  return count
}
