/**
 * A request that asks for a tunnel. The HTTP server has let go of its connection: until it is known what becomes of it,
 * somebody has to read it, or nobody would notice that the client has left.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Bytes that a client may send ahead, before there is a tunnel; then it has to wait. */
const EARLY_LIMIT_BYTES = 64 * 1024

export class UpgradeRequest {
  readonly socket: Socket
  #early: Buffer[]
  #earlyBytes: number

  /** `head`: what the client sent behind the head of its request. */
  constructor (socket: Socket, head: Buffer) {
    this.socket = socket
    this.#early = [head]
    this.#earlyBytes = head.length
    // Breaking connections are seen at their close.
    socket.on('error', ignore)
    socket.on('data', this.#keep)
    socket.on('end', this.#leave)
  }

  /** Lets an ordinary answer take the connection, as its last one. */
  answerWith (response: ServerResponse): void {
    response.shouldKeepAlive = false
    response.assignSocket(this.socket)
    const onDrain = (): void => { response.emit('drain') }
    this.socket.on('drain', onDrain)
    response.on('finish', () => this.socket.destroySoon())
    response.on('close', () => this.socket.off('drain', onDrain))
  }

  /** Hands the connection over to the tunnel, paused, with the bytes that came ahead. */
  takeOver (): Buffer {
    this.socket.pause()
    this.socket.off('data', this.#keep).off('end', this.#leave)
    const early = Buffer.concat(this.#early)
    this.#early = []
    return early
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#early.push(chunk)
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > EARLY_LIMIT_BYTES) this.socket.pause()
  }

  /** Without a tunnel there is nothing that a client that has ended could still wait for. */
  readonly #leave = (): void => { this.socket.destroy() }
}

function ignore (): void {}
