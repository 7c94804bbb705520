/** TLS connections that are dead, though Node says that their client has only ended its side. */
import type { TLSSocket } from 'node:tls'

/** How long a write of nothing may take, in ms. */
const WRITE_BOUND_MS = 1_000

/** How long a client that has ended its side may take nothing of what waits for it, in ms. */
const STALL_BOUND_MS = 30_000

/**
 * Closes a connection that looks half-closed and takes nothing more. Node says nothing when the session tickets, which TLS sends
 * by itself behind the handshake, meet a connection that was reset: it reports an end in the place of the error, and every later
 * write waits for ever.
 */
export function closeIfDeaf (socket: TLSSocket): void {
  socket.once('end', () => look(socket))
}

function look (socket: TLSSocket): void {
  if (socket.destroyed || socket.writableEnded) return
  if (socket.writableLength === 0) return writeNothing(socket)
  // It may be a slow one.
  const taken = takenOf(socket)
  const timer = setTimeout(() => {
    if (takenOf(socket) === taken) socket.destroy()
    else look(socket)
  }, STALL_BOUND_MS)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}

function writeNothing (socket: TLSSocket): void {
  let isWritten = false
  // The last word is left to the poll phase: if this process was held up, the timer fires before the write is told of.
  const timer = setTimeout(() => setImmediate(() => { if (!isWritten) socket.destroy() }), WRITE_BOUND_MS)
  const onWritten = (): void => {
    isWritten = true
    clearTimeout(timer)
  }
  socket.write('', onWritten)
  socket.once('close', onWritten)
}

/** Bytes that have left the queue. */
function takenOf (socket: TLSSocket): number {
  return socket.bytesWritten - socket.writableLength
}
