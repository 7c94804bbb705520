/** One side of a connection of HTTP/2 that writes frames and sees frames. It acknowledges settings and pings, and does nothing else. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ByteReader, EndOfBytes } from './byte-reader.ts'
import { endsStream, Flag, type Frame, frame, FRAME_HEAD_BYTES, FrameType, headersFrame, PREFACE, requestFieldsOf, settingsFrame } from './http2-frames.ts'
import { until, within } from './until.ts'

/** What a frame is waited for with. */
export interface FrameWish {
  readonly type: number
  readonly stream?: number
}

export class Http2Wire {
  readonly socket: Socket
  readonly reader: ByteReader
  /** Every frame that came, in order. */
  readonly frames: Frame[] = []
  /** Whether it acknowledges; not before it has sent its own settings. */
  acknowledges = true
  /** Told of each frame as it comes. */
  onFrame: (frame: Frame) => void = () => {}

  constructor (socket: Socket) {
    this.socket = socket
    this.reader = new ByteReader(socket)
  }

  /** A client of prior knowledge; the connection begins with `first`, by default a good begin. */
  static async connect (port: number, first: Buffer = Buffer.concat([PREFACE, settingsFrame()])): Promise<Http2Wire> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const wire = new Http2Wire(socket)
    socket.write(first)
    void wire.read()
    return wire
  }

  /** Reads frames until the connection ends, or until what comes is none. */
  async read (): Promise<void> {
    try {
      for (;;) this.#take(await this.#next())
    } catch (error) {
      if (!(error instanceof EndOfBytes)) throw error
    }
  }

  /** Sends frames, or any bytes. */
  send (...bytes: readonly Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(bytes))
  }

  /** Sends the whole head of a request without a body. */
  get (stream: number, path: string, more: readonly string[] = []): void {
    this.send(headersFrame(stream, requestFieldsOf(path, more), true))
  }

  /** The frames of one stream. */
  of (stream: number): Frame[] {
    return this.frames.filter((one) => one.stream === stream)
  }

  /** The first frame of this kind, as soon as it is there. */
  async wait ({ type, stream }: FrameWish): Promise<Frame> {
    const find = (): Frame | undefined => this.frames.find((one) => one.type === type && (stream === undefined || one.stream === stream))
    const found = await until(`a frame of type ${type} on stream ${stream ?? 'any'}`, () => find() ?? this.reader.ending)
    if (typeof found !== 'object') throw new EndOfBytes(`the connection ended (${String(found)}) before a frame of type ${type} came`)
    return found
  }

  /** Both sides have agreed on their settings. */
  async settled (): Promise<void> {
    await until('the settings are acknowledged', () => this.frames.some(({ type, flags }) => type === FrameType.settings && (flags & Flag.ack) !== 0))
  }

  /** Settles when the other side has ended this stream, in whichever way, and says how. */
  async streamEnd (stream: number): Promise<Frame> {
    const isEnd = (one: Frame): boolean => one.type === FrameType.rstStream || endsStream(one)
    const found = await until(`the end of stream ${stream}`, () => this.of(stream).find(isEnd))
    if (found === undefined) throw new Error('no end')
    return found
  }

  /** The text of a stream's body so far. */
  bodyOf (stream: number): string {
    return Buffer.concat(this.of(stream).filter(({ type }) => type === FrameType.data).map(({ payload }) => payload)).toString('latin1')
  }

  /** How the other side ends the connection. */
  get ended (): Promise<'fin' | 'reset'> {
    return within('the connection ends', this.reader.ended)
  }

  async leave (): Promise<void> {
    if (this.socket.destroyed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }

  async #next (): Promise<Frame> {
    const head = await this.reader.exactly(FRAME_HEAD_BYTES)
    const payload = await this.reader.exactly(head.readUIntBE(0, 3))
    return { type: head.readUInt8(3), flags: head.readUInt8(4), stream: head.readUInt32BE(5), payload }
  }

  #take (one: Frame): void {
    this.frames.push(one)
    const wantsAck = this.acknowledges && (one.type === FrameType.settings || one.type === FrameType.ping) && (one.flags & Flag.ack) === 0
    if (wantsAck) this.send(frame(one.type, Flag.ack, 0, one.type === FrameType.ping ? one.payload : undefined))
    this.onFrame(one)
  }
}
