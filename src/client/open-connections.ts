/** The connections of HTTP/1 that are open, for the time when the gateway closes. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { lingerOnClose } from './linger.ts'
import { responseOf, waitingOn } from './turn.ts'

/** Answers that say that they are the last of their connection because the gateway closes. */
const lastOnes = new WeakSet<ServerResponse>()

/** A request has come behind the answer that the connection is busy with: unless it has said otherwise, that is not the last one. */
export function goesOn (socket: Socket): void {
  const response = responseOf(socket)
  if (response !== undefined && lastOnes.has(response) && !response.headersSent) response.shouldKeepAlive = true
}

export class OpenConnections {
  readonly #sockets = new Set<Socket>()

  add (socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  /**
   * Has the answers that are under way say that they are the last ones of their connections: a client that was promised more
   * would send its next request into a connection that closes (RFC 9112, section 9.6). A head that has gone out has gone out.
   */
  announceClose (): void {
    for (const socket of this.#sockets) {
      const response = responseOf(socket)
      // One behind which another request waits is not the last one; what begins from now on says so by itself.
      if (response === undefined || !response.shouldKeepAlive || waitingOn(socket) > 0) continue
      if (response.headersSent) {
        // Behind it the connection would stay until it has been idle for its time. A request that waits has it by then.
        lingerOnClose(socket)
        response.once('finish', () => { if (responseOf(socket) === undefined) socket.destroySoon() })
        continue
      }
      response.shouldKeepAlive = false
      lastOnes.add(response)
      lingerOnClose(socket)
    }
  }
}
