/** Tells of the end of a client's connection, however many requests wait for it: one listener a connection. */
import type { Socket } from 'node:net'

const waiting = new WeakMap<Socket, Set<() => void>>()

/** Calls `onClose` when the connection closes; returns the function that calls it off. */
export function whenClosed (socket: Socket, onClose: () => void): () => void {
  let waiters = waiting.get(socket)
  if (waiters === undefined) {
    const added = new Set<() => void>()
    waiters = added
    waiting.set(socket, added)
    socket.once('close', () => {
      for (const waiter of added) waiter()
    })
  }
  waiters.add(onClose)
  return () => { waiters.delete(onClose) }
}
