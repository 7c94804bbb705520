/** A client of HTTP/1 over TLS that writes bytes and sees bytes. */
import { once } from 'node:events'
import * as tls from 'node:tls'
import { ByteReader } from './byte-reader.ts'
import { readBody, readHead } from './http-message.ts'
import { type RawAnswer, statusOf } from './raw-client.ts'
import { within } from './until.ts'

export class TlsClient {
  readonly socket: tls.TLSSocket
  readonly reader: ByteReader

  private constructor (socket: tls.TLSSocket) {
    this.socket = socket
    this.reader = new ByteReader(socket)
  }

  /** Shakes hands; fails if the gateway does not, or cannot be verified. */
  static async connect (port: number, options: tls.ConnectionOptions): Promise<TlsClient> {
    const socket = tls.connect({ port, host: '127.0.0.1', ...options })
    try {
      await within('the handshake', once(socket, 'secureConnect'))
    } catch (error) {
      socket.destroy()
      throw error
    }
    return new TlsClient(socket)
  }

  /** The common name of the certificate that the gateway has shown. */
  get shown (): string {
    return String(this.socket.getPeerX509Certificate()?.subject.slice('CN='.length))
  }

  /** How the gateway ends the connection. */
  get ended (): Promise<'fin' | 'reset'> {
    return within('the gateway ends the connection', this.reader.ended)
  }

  /** Sends text as latin1, so that each character is a byte. */
  send (text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Sends a request without a body. */
  get (target: string, fields: readonly string[] = []): void {
    this.send([`GET ${target} HTTP/1.1`, 'host: client.test', ...fields, '', ''].join('\r\n'))
  }

  /** The next whole answer. */
  async answer (): Promise<RawAnswer> {
    const head = await within('the head of an answer', readHead(this.reader))
    return { status: statusOf(head), head, body: await within('the body of an answer', readBody(this.reader, head, true)) }
  }

  async leave (): Promise<void> {
    if (this.socket.destroyed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }
}
