/** A connection of HTTP/1.1 to a backend: it carries one exchange at a time. */
import type { Socket } from 'node:net'
import { UpstreamBadResponseError, UpstreamConnectFailedError, UpstreamResetError } from '../errors.ts'
import { type FieldList, fieldLines } from '../wire/fields.ts'
import { MessageFault } from '../wire/message-fault.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { isOffered } from '../wire/upgrade.ts'
import { ResponseParser, type ResponseSink } from '../wire/response-parser.ts'
import type { BackendAddress } from './backend-address.ts'
import type { Carrier, CarrierListener, UpstreamRequest } from './carrier.ts'
import { openSocket, type Reader, type SocketOptions } from './connector.ts'
import { requestHead } from './http1-request.ts'
import { type BodySink, RequestBody } from './request-body.ts'
import { causedBy, isOurs } from './failure.ts'
import { ReceiveBuffer } from './receive-buffer.ts'

/** Small bodies go out in one write with the head, as text: a copy that costs less than a second write, as long as Node needs no memory for it. */
const ONE_WRITE_LIMIT_BYTES = 16 * 1024

const NO_BYTES = Buffer.alloc(0)

/**
 * Connections whose request goes out when the turn's reading is done, one behind the other: a write into a socket whose reader
 * sleeps costs the kernel a wake-up, and the next one right behind it does not.
 */
let readyThisTurn: Http1Connection[] = []

export interface Http1ConnectionOptions extends SocketOptions {
  /** Called once, when it can carry nothing more. */
  readonly onGone: (connection: Http1Connection) => void
  /** Whether it may become a tunnel, which needs a stream to read from. Default: no. */
  readonly mayTunnel?: boolean
}

export class Http1Connection implements Carrier, ResponseSink, BodySink, Reader {
  /** Links of the free list; they belong to it. */
  above: Http1Connection | undefined = undefined
  below: Http1Connection | undefined = undefined
  isIdle = false
  /** When the last exchange on it ended, in ms of the monotonic clock. */
  idleSinceMs = 0
  isUsed = false

  readonly #address: BackendAddress
  readonly #socket: Socket
  readonly #parser = new ResponseParser(this)
  readonly #onGone: (connection: Http1Connection) => void
  /** Where bytes are read into; undefined where they come as a stream. */
  readonly #received: ReceiveBuffer | undefined
  #isConnected = false
  #isGone = false
  #error: Error | undefined
  #request: UpstreamRequest | undefined
  #listener: CarrierListener | undefined
  #head: ResponseHead | undefined
  /** Whether the listener knows that its answer did not come whole with its head. */
  #isPartTold = false
  #bodyFraming: 'length' | 'chunked' = 'length'
  /** A request that waits for the end of the turn: all of it, as latin1. */
  #text: string | undefined
  #isRequestSent = false
  #isPaused = false
  #isTunnel = false

  constructor (address: BackendAddress, options: Http1ConnectionOptions) {
    this.#address = address
    this.#onGone = options.onGone
    this.#received = options.mayTunnel === true || address.isTls ? undefined : new ReceiveBuffer()
    this.#socket = openSocket(address, 'http/1.1', options, () => this.#connected(), this.#received === undefined ? undefined : this)
    this.#socket.on('error', (error) => {
      this.#error = error
      // Before it has closed: nobody may take it any more.
      this.#gone()
    })
    this.#socket.on('close', this.#onClose).on('end', this.#onEnd).on('drain', this.#onDrain)
    if (this.#received === undefined) this.#socket.on('data', this.#onData)
  }

  /** Whether it can carry another exchange. */
  get isReusable (): boolean {
    return !this.#isGone && !this.#isTunnel && this.#listener === undefined && this.#socket.writable
  }

  send (request: UpstreamRequest, listener: CarrierListener): void {
    this.#request = request
    this.#listener = listener
    this.#isRequestSent = false
    this.#head = undefined
    this.#isPartTold = false
    if (this.#isConnected) this.#write(request, listener)
    else if (this.#isGone) process.nextTick(() => this.#fail(new UpstreamResetError()))
  }

  pause (): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume (): void {
    this.#isPaused = false
    this.#socket.resume()
  }

  abort (): void {
    this.#release()
    this.#destroy()
  }

  onInformation (head: ResponseHead): void {
    this.#listener?.onInformation(head)
  }

  onHead (head: ResponseHead): void {
    this.#head = head
    const offered = this.#request?.upgrade
    if (head.statusCode !== 101) this.#listener?.onHead(head)
    else if (offered === undefined) throw new MessageFault('a 101 that nobody asked for')
    else if (!isOffered(head.upgrade, offered)) throw new MessageFault('a 101 to a protocol that nobody asked for')
  }

  onBody (data: Buffer): void {
    this.#listener?.onBody(this.#received === undefined ? data : this.#received.keep(data))
  }

  buffer (): Buffer {
    return this.#received?.next(this.#head !== undefined && !this.#parser.isDone) ?? NO_BYTES
  }

  read (bytes: number, buffer: Uint8Array): void {
    this.#onData(Buffer.from(buffer.buffer, buffer.byteOffset, bytes))
  }

  bodyPart (part: Buffer): boolean {
    const socket = this.#socket
    if (this.#bodyFraming === 'chunked') {
      // An empty chunk would be the last one.
      if (part.length === 0) return true
      socket.cork()
      socket.write(`${part.length.toString(16)}\r\n`, 'latin1')
      socket.write(part)
      socket.write('\r\n', 'latin1')
      process.nextTick(uncork, socket)
    } else {
      socket.write(part)
    }
    this.#listener?.onBodySent()
    return !socket.writableNeedDrain
  }

  bodyEnd (trailers: FieldList): void {
    this.#isRequestSent = true
    if (this.#bodyFraming === 'chunked') this.#socket.write(`0\r\n${fieldLines(trailers)}\r\n`, 'latin1')
    this.#listener?.onBodySent()
  }

  /** Called at the end of the turn in which a request was handed over. */
  writeText (): void {
    const text = this.#text
    if (text === undefined || this.#listener === undefined) return
    this.#text = undefined
    this.#isRequestSent = true
    this.#listener.onSent()
    this.#socket.write(text, 'latin1')
  }

  #connected (): void {
    this.#isConnected = true
    if (this.#request !== undefined && this.#listener !== undefined) this.#write(this.#request, this.#listener)
  }

  #write (request: UpstreamRequest, listener: CarrierListener): void {
    const { body } = request
    this.#parser.begin(request)
    const head = requestHead(request, this.#address.authority)
    if (body === null) return this.#writeAtTurnsEnd(head)
    const isStreamed = body instanceof RequestBody
    if (!isStreamed && head.length + body.length <= ONE_WRITE_LIMIT_BYTES) return this.#writeAtTurnsEnd(head + body.toString('latin1'))
    listener.onSent()
    if (!isStreamed) return this.#writeTwo(head, body)
    this.#bodyFraming = body.length === undefined ? 'chunked' : 'length'
    this.#socket.write(head, 'latin1')
    body.attach(this)
  }

  #writeAtTurnsEnd (text: string): void {
    this.#text = text
    if (readyThisTurn.push(this) === 1) setImmediate(writeThoseReady)
  }

  #writeTwo (head: string, body: Buffer): void {
    this.#isRequestSent = true
    this.#socket.cork()
    this.#socket.write(head, 'latin1')
    this.#socket.write(body)
    this.#socket.uncork()
  }

  readonly #onDrain = (): void => {
    if (this.#request?.body instanceof RequestBody) this.#request.body.resume(this)
  }

  readonly #onData = (bytes: Buffer): void => {
    // Nothing was asked: whatever this is, it must not become the answer to the next request.
    if (this.#listener === undefined) return this.#destroy()
    if (this.#text !== undefined) return this.#fail(causedBy(new UpstreamResetError(), new Error('bytes that nobody asked for')))
    let taken: number
    try {
      taken = this.#parser.execute(bytes)
    } catch (fault) {
      if (!(fault instanceof MessageFault)) throw fault
      return this.#fail(causedBy(new UpstreamBadResponseError(), fault))
    }
    if (this.#parser.isDone) this.#complete(taken === bytes.length ? NO_BYTES : bytes.subarray(taken))
    else if (this.#head !== undefined && !this.#isPartTold) {
      this.#isPartTold = true
      this.#listener?.onMoreToCome()
    }
  }

  /** The answer is whole. What came behind it belongs to a tunnel, or to nobody. */
  #complete (rest: Buffer): void {
    const listener = this.#listener
    const head = this.#head
    if (listener === undefined || head === undefined) return
    const isUploading = !this.#isRequestSent
    const { trailers } = this.#parser
    this.#release()
    this.#parser.forget()
    if (this.#isPaused) this.resume()
    if (head.statusCode === 101) return this.#handOver(listener, head, rest)
    this.isUsed = true
    if (isUploading || rest.length > 0 || !head.keepsConnection) this.#destroy()
    listener.onEnd(trailers)
  }

  #handOver (listener: CarrierListener, head: ResponseHead, rest: Buffer): void {
    this.#isTunnel = true
    this.#socket.pause()
    this.#socket.off('close', this.#onClose).off('end', this.#onEnd).off('data', this.#onData).off('drain', this.#onDrain)
    listener.onUpgrade(head, this.#socket, rest)
  }

  /** The backend will send nothing more. */
  readonly #onEnd = (): void => {
    if (this.#listener === undefined) return this.#destroy()
    if (this.#parser.finish()) this.#complete(NO_BYTES)
    else this.#fail(this.#resetError())
  }

  readonly #onClose = (): void => {
    const wasConnected = this.#isConnected
    this.#gone()
    if (this.#listener === undefined) return
    const error = this.#error
    if (error !== undefined && isOurs(error)) this.#fail(error)
    else this.#fail(wasConnected ? this.#resetError() : causedBy(new UpstreamConnectFailedError(), error))
  }

  #resetError (): Error {
    const wasWithin = this.#head !== undefined || this.#parser.isWithinHead
    return causedBy(new UpstreamResetError(), this.#error ?? new Error(wasWithin ? 'closed in the middle of the answer' : 'closed before the answer'))
  }

  #fail (error: Error): void {
    const listener = this.#listener
    this.#release()
    this.#destroy()
    listener?.onError(error)
  }

  /** Lets go of the exchange. */
  #release (): void {
    if (this.#request?.body instanceof RequestBody) this.#request.body.detach(this)
    this.#request = this.#listener = this.#text = this.#head = undefined
  }

  #destroy (): void {
    this.#gone()
    this.#socket.destroy()
  }

  #gone (): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#onGone(this)
  }
}

function writeThoseReady (): void {
  const connections = readyThisTurn
  readyThisTurn = []
  for (const connection of connections) connection.writeText()
}

function uncork (socket: Socket): void {
  socket.uncork()
}
