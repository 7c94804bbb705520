/** A backend of HTTP/2 (h2c) that does with frames what its script says. Its first connection is that of the probe, which it answers well. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { resetConnection } from '../../src/client/reset.ts'
import { type Frame, FrameType, okFrame, PREFACE, settingsFrame } from './http2-frames.ts'
import { Http2Wire } from './http2-wire.ts'
import type { Origin } from './origin.ts'
import { portOf } from './port.ts'

/** Told of each frame that comes on a connection after the probe's. */
export type FrameScript = (frame: Frame, wire: Http2Wire) => void

export class RawHttp2Origin implements Origin {
  readonly name: string
  readonly port: number
  readonly url: string
  /** The connections after the probe's. */
  readonly wires: Http2Wire[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #script: FrameScript
  #hasProbed = false

  private constructor (name: string, server: Server, script: FrameScript) {
    this.name = name
    this.#server = server
    this.#script = script
    this.port = portOf(server)
    this.url = `h2c://127.0.0.1:${this.port}`
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => this.#sockets.delete(socket))
      void this.#serve(new Http2Wire(socket))
    })
  }

  static async start (name: string, script: FrameScript): Promise<RawHttp2Origin> {
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RawHttp2Origin(name, server, script)
  }

  get connections (): number {
    return this.#sockets.size
  }

  async stop (): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) resetConnection(socket)
    await closed
  }

  async #serve (wire: Http2Wire): Promise<void> {
    const isProbe = !this.#hasProbed
    this.#hasProbed = true
    if (!isProbe) this.wires.push(wire)
    wire.onFrame = (frame) => {
      if (!isProbe) this.#script(frame, wire)
      else if (frame.type === FrameType.headers) wire.send(okFrame(frame.stream, true))
    }
    await wire.reader.exactly(PREFACE.length).catch(() => {})
    wire.send(settingsFrame())
    await wire.read()
  }
}
