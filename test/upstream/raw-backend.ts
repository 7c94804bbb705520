/** A backend of bare sockets, and somebody who makes requests of it: for what happens between a carrier and the wire. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Test } from 'tap'
import { type BackendAddress, backendAddress } from '../../src/upstream/backend-address.ts'
import { type CarrierListener, OWN_REQUEST, type UpstreamRequest } from '../../src/upstream/carrier.ts'
import { upstreamTls } from '../../src/upstream/upstream-tls.ts'
import type { FieldList } from '../../src/wire/fields.ts'
import type { ResponseHead } from '../../src/wire/response-head.ts'
import { ByteReader } from '../kit/byte-reader.ts'
import { readHead } from '../kit/http-message.ts'
import { portOf } from '../kit/port.ts'
import { until, within } from '../kit/until.ts'

export const SOCKET_OPTIONS = { connectTimeoutMs: 5_000, tls: upstreamTls() }

export const GET: UpstreamRequest = { ...OWN_REQUEST, method: 'GET', target: '/', host: 'client.test' }

export const OK = 'HTTP/1.1 200 OK\r\n'

/** An answer that leaves the connection as it is. */
export const EMPTY_ANSWER = `${OK}content-length: 0\r\n\r\n`

/** The backend's side of a connection. */
export interface Accepted {
  readonly socket: Socket
  readonly reader: ByteReader
  /** Waits for the head of a request. */
  readonly request: () => Promise<string>
  /** Sends text as latin1. */
  readonly send: (text: string) => void
  /** Sends text and ends its side, in one go. */
  readonly sendAndEnd: (text: string) => void
}

export class RawBackend {
  readonly address: BackendAddress
  readonly accepted: Accepted[] = []

  private constructor (server: Server) {
    this.address = backendAddress(`http://127.0.0.1:${portOf(server)}`)
    server.on('connection', (socket: Socket) => this.#accept(socket))
  }

  /** Listens until the test ends. */
  static async start (t: Test): Promise<RawBackend> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const backend = new RawBackend(server)
    t.teardown(async () => {
      server.close()
      for (const { socket } of backend.accepted) socket.destroy()
      await once(server, 'close')
    })
    return backend
  }

  /** The connection of this number, as soon as it is there. */
  async connection (index = 0): Promise<Accepted> {
    const accepted = await until(`connection ${index}`, () => this.accepted[index])
    if (accepted === undefined) throw new Error(`no connection ${index}`)
    return accepted
  }

  #accept (socket: Socket): void {
    const reader = new ByteReader(socket)
    this.accepted.push({
      socket,
      reader,
      request: async () => await within('a request', readHead(reader).then(({ raw }) => raw)),
      send: (text) => { socket.write(text, 'latin1') },
      sendAndEnd: (text) => {
        socket.cork()
        socket.write(text, 'latin1')
        socket.end()
        socket.uncork()
      }
    })
  }
}

/** The address of a backend whose port is closed. */
export async function refusingAddress (): Promise<BackendAddress> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = backendAddress(`http://127.0.0.1:${portOf(server)}`)
  server.close()
  await once(server, 'close')
  return address
}

/** Remembers what a carrier tells, in order. */
export class Listener implements CarrierListener {
  /** `sent`, `body sent`, `information 103`, `head 200`, `end`, `upgrade`, `error FL_...` */
  readonly events: string[] = []
  /** As latin1. */
  body = ''
  head: ResponseHead | undefined = undefined
  trailers: FieldList | undefined = undefined
  error: Error | undefined = undefined
  tunnel: { readonly socket: Duplex, readonly early: string } | undefined = undefined
  /** Called with each part of the body. */
  onPart: (() => void) | undefined = undefined
  /** Whether the answer did not come whole with its head. */
  wasPartial = false
  /** Called when the answer is whole. */
  whenWhole: (() => void) | undefined = undefined

  /** Whether the exchange is over. */
  get isOver (): boolean {
    return this.trailers !== undefined || this.error !== undefined || this.tunnel !== undefined
  }

  /** Waits until the exchange is over; the events so far. */
  async over (): Promise<string[]> {
    await until('the end of the exchange', () => this.isOver)
    return this.events
  }

  onSent (): void {
    this.events.push('sent')
  }

  onBodySent (): void {
    if (this.events.at(-1) !== 'body sent') this.events.push('body sent')
  }

  onInformation ({ statusCode }: ResponseHead): void {
    this.events.push(`information ${statusCode}`)
  }

  onHead (head: ResponseHead): void {
    this.head = head
    this.events.push(`head ${head.statusCode}`)
  }

  onBody (data: Buffer): void {
    this.body += data.toString('latin1')
    this.onPart?.()
  }

  onMoreToCome (): void {
    this.wasPartial = true
  }

  onEnd (trailers: FieldList): void {
    this.trailers = trailers
    this.events.push('end')
    this.whenWhole?.()
  }

  onUpgrade (_head: ResponseHead, socket: Duplex, early: Buffer): void {
    this.tunnel = { socket, early: early.toString('latin1') }
    this.events.push('upgrade')
  }

  onError (error: Error): void {
    this.error = error
    this.events.push(`error ${'code' in error ? String(error.code) : error.message}`)
  }
}
