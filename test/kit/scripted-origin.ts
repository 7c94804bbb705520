/**
 * A backend on a raw socket that does what its script says, however wrong that is. Each request takes the next behaviour of
 * the script; the last one stays for all that follow. Probes are answered apart, and are no part of the script.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { resetConnection } from '../../src/client/reset.ts'
import { ByteReader, EndOfBytes } from './byte-reader.ts'
import { fieldValues, type MessageHead, readBody, readHead } from './http-message.ts'
import { type Origin, PROBE_AGENT } from './origin.ts'
import { portOf } from './port.ts'

/** A request as it came over the wire. */
export interface ReceivedRequest {
  readonly head: MessageHead
  readonly method: string
  /** Byte for byte, as latin1 text. */
  readonly target: string
  /** Reads the body to its end. */
  body (): Promise<Buffer>
}

/** What a behaviour has at hand. */
export interface OriginCall {
  readonly request: ReceivedRequest
  readonly socket: Socket
  /** What the gateway sends beyond the head. */
  readonly reader: ByteReader
}

/** Answers a request, or does not. */
export type Behaviour = (call: OriginCall) => void | Promise<void>

export class ScriptedOrigin implements Origin {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Requests in the order of arrival, probes left out. */
  readonly requests: ReceivedRequest[] = []
  /** How many probes came. */
  probes = 0
  /** Every connection that was ever accepted, probes included. */
  accepted = 0
  /** What it does with the next requests. */
  script: Behaviour[]
  /** What it does with a probe. */
  onProbe: Behaviour
  /** Does away with a connection before it is read; for faults below HTTP. */
  onConnection: ((socket: Socket) => void) | undefined = undefined

  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor (name: string, server: Server, script: Behaviour[], onProbe: Behaviour) {
    this.name = name
    this.#server = server
    this.port = portOf(server)
    this.url = `http://127.0.0.1:${this.port}`
    this.script = script
    this.onProbe = onProbe
    server.on('connection', (socket: Socket) => this.#accept(socket))
  }

  static async start (name: string, script: Behaviour[], onProbe: Behaviour): Promise<ScriptedOrigin> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ScriptedOrigin(name, server, script, onProbe)
  }


  get connections (): number {
    return this.#sockets.size
  }

  /** Closes the port and resets what is open: from now on it refuses. */
  async stop (): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) resetConnection(socket)
    await closed
  }

  #accept (socket: Socket): void {
    this.accepted++
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // Faults are what these connections are for.
    socket.on('error', () => {})
    if (this.onConnection !== undefined) return this.onConnection(socket)
    this.#serve(socket, new ByteReader(socket)).catch((error: unknown) => {
      // The gateway has left: nothing more to say on this connection.
      if (error instanceof EndOfBytes) socket.end()
      else socket.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  }

  async #serve (socket: Socket, reader: ByteReader): Promise<void> {
    while (socket.writable) {
      const head = await readHead(reader)
      const [method = '', target = ''] = head.startLine.split(' ')
      let whole: Promise<Buffer> | undefined
      const body = (): Promise<Buffer> => (whole ??= readBody(reader, head, false))
      const request: ReceivedRequest = { head, method, target, body }
      const behave = this.#next(request)
      await behave({ request, socket, reader })
      if (socket.writable) await body()
    }
  }

  #next (request: ReceivedRequest): Behaviour {
    if (fieldValues(request.head, 'user-agent')[0] === PROBE_AGENT) {
      this.probes++
      return this.onProbe
    }
    this.requests.push(request)
    const [next, ...later] = this.script
    if (next === undefined) throw new Error(`origin ${this.name} has no script for a request`)
    if (later.length > 0) this.script = later
    return next
  }
}
