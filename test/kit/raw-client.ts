/** A client that writes bytes and sees bytes: for what a proper HTTP client would not send, or would hide. */
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { resetConnection } from '../../src/client/reset.ts'
import { ByteReader } from './byte-reader.ts'
import { fieldValues, type MessageHead, readBody, readHead } from './http-message.ts'
import { within } from './until.ts'

/** An answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number
  readonly head: MessageHead
  readonly body: Buffer
}

export class RawClient {
  readonly socket: Socket
  readonly reader: ByteReader

  private constructor (socket: Socket) {
    this.socket = socket
    this.reader = new ByteReader(socket)
  }

  static async connect (port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** How the gateway ends the connection. */
  get ended (): Promise<'fin' | 'reset'> {
    return within('the gateway ends the connection', this.reader.ended)
  }

  /** Sends text as latin1, so that each character is a byte. */
  send (bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Sends a request without a body over HTTP/1.1. */
  get (target: string, fields: readonly string[] = []): void {
    this.send([`GET ${target} HTTP/1.1`, 'host: client.test', ...fields, '', ''].join('\r\n'))
  }

  /** The next head, the interim ones of status 1xx included. */
  async head (): Promise<MessageHead> {
    return await within('the head of an answer', readHead(this.reader))
  }

  /** The next whole answer; `method` tells whether it has a body. */
  async answer (method = 'GET'): Promise<RawAnswer> {
    const head = await this.head()
    const status = statusOf(head)
    const isBodiless = method === 'HEAD' || status === 204 || status === 304 || status < 200
    const body = isBodiless ? Buffer.alloc(0) : await within('the body of an answer', readBody(this.reader, head, true))
    return { status, head, body }
  }

  /** Closes the connection, orderly. */
  async leave (): Promise<void> {
    if (this.socket.destroyed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }

  /** Breaks the connection. */
  reset (): void {
    resetConnection(this.socket)
  }
}

export function statusOf (head: MessageHead): number {
  return Number(head.startLine.split(' ')[1])
}

/** Every value of a field of the answer, in order. */
export function valuesOf (answer: RawAnswer, name: string): string[] {
  return fieldValues(answer.head, name)
}
