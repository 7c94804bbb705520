/**
 * Closes a connection whose client may still be sending (RFC 9112, section 9.6): closing it outright would make the kernel
 * reset it, and the reset would take the answer away before the client has read it.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** How long such a client is listened to, in ms. */
const LINGER_MS = 2_000

const lingering = new WeakSet<Duplex>()

/** Whether the connection is only waiting for its client to leave: what still comes on it means nothing. */
export function isLingering (socket: Socket): boolean {
  return lingering.has(socket)
}

/** From now on the HTTP server's closing of the connection lets the client finish. */
export function lingerOnClose (socket: Socket): void {
  socket.destroySoon = () => linger(socket)
}

/** Sends what is to be sent and FIN; what comes is thrown away, for a time. */
export function linger (socket: Duplex): void {
  if (lingering.has(socket) || socket.destroyed) return
  lingering.add(socket)
  // Whoever read it before (the HTTP parser) must not see what comes now.
  socket.removeAllListeners('data')
  socket.on('data', ignore)
  socket.on('error', ignore)
  socket.end()
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  timer.unref()
  // What the client has not read yet is still on its way when it ends its side.
  socket.once('end', () => {
    if (socket.writableFinished) socket.destroy()
    else socket.once('finish', () => socket.destroy())
  })
  socket.once('close', () => clearTimeout(timer))
}

function ignore (): void {}
