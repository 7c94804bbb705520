/** One side of a connection, read by need; unlike the kit's ByteReader it forgets what was read, so that it can carry thousands of messages. */
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { within } from '../kit/until.ts'

/** How long anything that is expected may take, in ms. */
const DEADLINE_MS = 2_000

/** Something that bytes begin with, and how many of them it takes. */
export interface Part {
  readonly length: number
}

export class Wire {
  readonly socket: Socket
  /** What has come and was not read yet. */
  unread: Buffer = Buffer.alloc(0)
  /** How the peer ended it; undefined while it is open. */
  ending: 'fin' | 'reset' | undefined
  /** Called when there is news. */
  onNews: () => void = () => {}

  constructor (socket: Socket) {
    this.socket = socket
    const end = (ending: 'fin' | 'reset') => () => {
      this.ending ??= ending
      this.onNews()
    }
    socket.on('data', (chunk: Buffer) => {
      this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk])
      this.onNews()
    })
    socket.on('end', end('fin')).on('error', end('reset')).on('close', end('reset'))
  }

  static async open (port: number, localAddress?: string): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true, ...(localAddress !== undefined && { localAddress }) })
    await once(socket, 'connect')
    return new Wire(socket)
  }

  /** Takes the next part off, as soon as `read` finds it whole; undefined if the connection ends before. */
  async next<Kind extends Part> (what: string, read: (bytes: Buffer, hasEnded: boolean) => Kind | undefined): Promise<Kind | undefined> {
    for (;;) {
      const part = this.take(read)
      if (part !== undefined || this.ending !== undefined) return part
      await within(what, new Promise<void>((resolve) => { this.onNews = resolve }), DEADLINE_MS)
    }
  }

  /** Takes the next part off if it is there. */
  take<Kind extends Part> (read: (bytes: Buffer, hasEnded: boolean) => Kind | undefined): Kind | undefined {
    if (this.unread.length === 0) return undefined
    const part = read(this.unread, this.ending === 'fin')
    if (part !== undefined) this.unread = this.unread.subarray(part.length)
    return part
  }

  /**
   * Sends bytes, in one write a piece. Between two lies a turn of the event loop, so that somebody in the same process reads them one
   * by one, or `pauseMs` for another process.
   */
  async send (pieces: readonly Buffer[], pauseMs = 0): Promise<void> {
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await (pauseMs === 0 ? new Promise(setImmediate) : wait(pauseMs))
      if (!this.socket.writable) return
      this.socket.write(piece)
    }
  }

  /** Closes the connection. */
  async leave (): Promise<void> {
    if (this.socket.destroyed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }
}

/** `bytes` cut at these places, in any order and how often they like; those beyond the end cut nothing. */
export function cutAt (bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set([0, ...places, bytes.length])].filter((place) => place <= bytes.length).toSorted((a, b) => a - b)
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end))
}
