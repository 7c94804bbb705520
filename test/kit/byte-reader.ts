/** Reads from a socket by need: up to a marker, so many bytes, or all; remembers everything that came. */
import type { Duplex } from 'node:stream'

/** The peer has ended or broken the connection before what was asked for had come. */
export class EndOfBytes extends Error {}

export class ByteReader {
  /** Every byte received so far. */
  received = Buffer.alloc(0)
  /** How the peer ended it; undefined while it is open. */
  ending: 'fin' | 'reset' | undefined
  /** Settles when it has ended. */
  readonly ended: Promise<'fin' | 'reset'>

  #position = 0
  #wake: () => void = () => {}

  constructor (socket: Duplex) {
    this.ended = new Promise((resolve) => {
      const end = (ending: 'fin' | 'reset') => () => {
        this.ending ??= ending
        resolve(this.ending)
        this.#wake()
      }
      socket.on('data', (chunk: Buffer) => {
        this.received = Buffer.concat([this.received, chunk])
        this.#wake()
      })
      socket.on('end', end('fin'))
      socket.on('error', end('reset'))
      socket.on('close', end('reset'))
    })
  }

  /** What has come and was not read yet. */
  get unread (): Buffer {
    return this.received.subarray(this.#position)
  }

  /** Everything up to the end of the next `marker`. */
  async upTo (marker: string): Promise<Buffer> {
    for (;;) {
      const index = this.unread.indexOf(marker, 0, 'latin1')
      if (index >= 0) return this.#take(index + marker.length)
      await this.#more(`"${marker.replaceAll('\r\n', '\\r\\n')}"`)
    }
  }

  async exactly (bytes: number): Promise<Buffer> {
    while (this.unread.length < bytes) await this.#more(`${bytes} bytes`)
    return this.#take(bytes)
  }

  /** All that is left; a reset is an error. */
  async rest (): Promise<Buffer> {
    if (await this.ended === 'reset') throw new EndOfBytes('the connection was reset')
    return this.#take(this.unread.length)
  }

  #take (bytes: number): Buffer {
    const taken = this.unread.subarray(0, bytes)
    this.#position += bytes
    return taken
  }

  async #more (wanted: string): Promise<void> {
    if (this.ending !== undefined) throw new EndOfBytes(`the connection ended (${this.ending}) before ${wanted} came`)
    await new Promise<void>((resolve) => { this.#wake = resolve })
  }
}
