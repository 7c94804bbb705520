/** Ends a connection of HTTP/1 so that nobody takes it for a good end. */
import type { Socket } from 'node:net'

/**
 * Resets a TCP connection (RST); one of TLS is closed without the alert `close_notify`, by which its client knows as much
 * (RFC 8446, 6.1), because Node can reset nothing but TCP.
 */
export function resetConnection (socket: Socket): void {
  // Node never closes a handle that it is told to reset while its FIN is on the way.
  const isEnding = socket.writableEnded && !socket.writableFinished
  if (isEnding || 'encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}
