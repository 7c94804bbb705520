/** Tells of the end of a client's connection, however many requests wait for it: one listener a connection, as adding one costs. */
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

/** Who wants to know when a client ends its side. */
export interface EndWatcher {
  clientEnded (): void
}

/** A connection's slot for the one that is served now. */
interface EndSlot {
  watcher: EndWatcher | undefined
}

const slots = new WeakMap<Socket, EndSlot>()

/** From now on `watcher` is told, in place of an earlier one. Requests of a connection are served one after the other. */
export function watchEnd (socket: Socket, watcher: EndWatcher): void {
  const slot = slots.get(socket)
  if (slot !== undefined) {
    slot.watcher = watcher
    return
  }
  const made: EndSlot = { watcher }
  slots.set(socket, made)
  socket.once('end', () => made.watcher?.clientEnded())
}

/** `watcher` does not want to know any more. */
export function unwatchEnd (socket: Socket, watcher: EndWatcher): void {
  const slot = slots.get(socket)
  if (slot?.watcher === watcher) slot.watcher = undefined
}
