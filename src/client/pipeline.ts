/** Pipelined requests are carried out one after the other, in their order (RFC 9112, section 9.3.2). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isClosing } from './closing.ts'
import { linger, lingerOnClose } from './linger.ts'
import { goesOn } from './open-connections.ts'
import { noteWaiting } from './turn.ts'

/**
 * Requests that may wait on a connection: behind the last of them it closes, and nothing more is read. A client that pipelines
 * has to expect that (same section). HTTP/2 allows as many streams.
 */
const MAX_WAITING = 128

const full = new WeakSet<Socket>()

/** Whether nothing more is read from a connection, because too many of its requests wait. */
export function isFull (socket: Socket): boolean {
  return full.has(socket)
}

/**
 * Calls `serve` when the requests before this one have been answered. Node has begun all that came in one packet by then: what
 * is not safe must not overtake, and what stands behind the last answer of a connection must not be carried out.
 */
export function serveInTurn (raw: IncomingMessage, response: ServerResponse, serve: (raw: IncomingMessage, response: ServerResponse) => void): void {
  const { socket } = raw
  if (isClosing(socket)) return
  // Nearly always: nothing is before it. Without a connection the response waits for its turn.
  if (response.socket !== null) return serve(raw, response)
  if (full.has(socket)) return
  const place = noteWaiting(socket, 1)
  goesOn(socket)
  if (place === MAX_WAITING) stopReading(socket)
  response.once('socket', () => {
    noteWaiting(socket, -1)
    if (isClosing(socket)) return
    if (place === MAX_WAITING) {
      // The rest of its body will not be read: it is like all that comes behind it.
      if (!raw.complete) return linger(socket)
      response.shouldKeepAlive = false
      lingerOnClose(socket)
    }
    // A turn later: a backend that has closed its connection behind the answer before is heard then.
    setImmediate(() => { if (!socket.destroyed) serve(raw, response) })
  })
}

function stopReading (socket: Socket): void {
  full.add(socket)
  // Not while the parser is at work on it.
  setImmediate(() => {
    socket.removeAllListeners('data')
    socket.on('data', ignore)
  })
}

function ignore (): void {}
