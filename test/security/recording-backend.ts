/** A backend on bare sockets that keeps every request as it came, whole or not, and anything that is no request. */
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { resetConnection } from '../../src/client/reset.ts'
import { type Origin, PROBE_AGENT } from '../kit/origin.ts'
import { portOf } from '../kit/port.ts'
import { askedBy, type ExactMessage, readRequest, valuesOf } from './exact-message.ts'
import { Wire } from './wire.ts'

export interface Recorded {
  readonly message: ExactMessage
  /** Its number among all that came. */
  readonly serial: number
  readonly wire: Wire
}

/** Answers a request on its connection. */
export type Reply = (recorded: Recorded) => void | Promise<void>

export class RecordingBackend implements Origin {
  readonly name = 'recorder'
  readonly url: string
  readonly port: number
  /** Whole requests in the order of arrival, probes left out. */
  requests: Recorded[] = []
  /** Bytes that are not HTTP/1.1, as somebody would say it. */
  faults: string[] = []
  /** Open connections. */
  readonly wires = new Set<Wire>()
  /** What it answers with. */
  reply: Reply
  /** Told of a connection that ends with a part of a request on it. */
  onPart: (bytes: Buffer) => void = () => {}
  readonly #server: Server
  #serial = 0

  private constructor (server: Server, reply: Reply) {
    this.#server = server
    this.port = portOf(server)
    this.url = `http://127.0.0.1:${this.port}`
    this.reply = reply
    server.on('connection', (socket: Socket) => {
      const wire = new Wire(socket)
      this.wires.add(wire)
      socket.once('close', () => this.wires.delete(wire))
      void this.#serve(wire)
    })
  }

  static async start (reply: Reply): Promise<RecordingBackend> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RecordingBackend(server, reply)
  }

  get connections (): number {
    return this.wires.size
  }

  /** The request of this number. */
  find (serial: number): Recorded | undefined {
    return this.requests.find((one) => one.serial === serial)
  }

  /** Begins anew: nothing has come. */
  forget (): void {
    this.requests = []
    this.faults = []
  }

  async stop (): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const { socket } of this.wires) resetConnection(socket)
    await closed
  }

  async #serve (wire: Wire): Promise<void> {
    try {
      for (;;) {
        const read = await nextRequest(wire)
        if (read === undefined) break
        if (valuesOf(read.message.fields, 'user-agent').includes(PROBE_AGENT)) {
          wire.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
          continue
        }
        const recorded = { message: read.message, serial: ++this.#serial, wire }
        this.requests.push(recorded)
        await this.reply(recorded)
      }
      if (wire.unread.length > 0) this.onPart(wire.unread)
    } catch (error) {
      this.faults.push(`${String(error)}: ${JSON.stringify(wire.unread.toString('latin1', 0, 400))}`)
      wire.socket.destroy()
    }
  }
}

/** The serial number of the request is all that this answer says. Whoever waits to be asked for a body is asked: else Node closes behind the answer. */
export function answerSerial ({ message, serial, wire }: Recorded): void {
  const asking = valuesOf(message.fields, 'expect').length > 0 ? 'HTTP/1.1 100 Continue\r\n\r\n' : ''
  wire.socket.write(`${asking}HTTP/1.1 200 OK\r\nx-serial: ${serial}\r\ncontent-length: 2\r\n\r\n${askedBy(message).method === 'HEAD' ? '' : 'ok'}`)
}

/** Without the deadline of Wire.next: a kept connection may be idle for any time. */
async function nextRequest (wire: Wire): Promise<ReturnType<typeof readRequest>> {
  for (;;) {
    const read = wire.take(readRequest)
    if (read !== undefined || wire.ending !== undefined) return read
    await new Promise<void>((resolve) => { wire.onNews = resolve })
  }
}
