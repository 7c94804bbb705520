/**
 * Tells of the ends of a client's connection to whoever is served on it now: one listener each a connection, and not one a
 * request, as adding and removing them costs. Requests of a connection of HTTP/1 are served one after the other.
 */
import type { Socket } from 'node:net'

/** Who wants to know what becomes of a connection. */
export interface ConnectionWatcher {
  /** The client has ended its side. */
  clientEnded (): void
  /** The connection has closed. */
  clientClosed (): void
}

/** A connection's slot for the one that is served now. */
interface Slot {
  watcher: ConnectionWatcher | undefined
}

const slots = new WeakMap<Socket, Slot>()

/** From now on `watcher` is told, in place of an earlier one. */
export function watchConnection (socket: Socket, watcher: ConnectionWatcher): void {
  const slot = slots.get(socket)
  if (slot !== undefined) {
    slot.watcher = watcher
    return
  }
  const made: Slot = { watcher }
  slots.set(socket, made)
  socket.once('end', () => made.watcher?.clientEnded())
  socket.once('close', () => {
    const { watcher: last } = made
    made.watcher = undefined
    last?.clientClosed()
  })
}

/** `watcher` does not want to know any more. */
export function unwatchConnection (socket: Socket, watcher: ConnectionWatcher): void {
  const slot = slots.get(socket)
  if (slot?.watcher === watcher) slot.watcher = undefined
}
