/** One exchange over a stream of HTTP/2 (RFC 9113). */
import * as http2 from 'node:http2'
import { addAbortSignal } from 'node:stream'
import { grouped } from '../client/client-response.ts'
import { UpstreamBadResponseError, UpstreamRefusedError, UpstreamResetError } from '../errors.ts'
import type { FieldList } from '../wire/fields.ts'
import { fieldsForHttp2 } from '../wire/http2-fields.ts'
import { MessageFault } from '../wire/message-fault.ts'
import { MAX_PROVISIONAL } from '../wire/response-parser.ts'
import type { BackendAddress } from './backend-address.ts'
import type { Carrier, CarrierListener, UpstreamRequest } from './carrier.ts'
import { causedBy, StreamReset } from './failure.ts'
import { http2RequestHead, http2ResponseHead } from './http2-heads.ts'
import type { Http2Session, SessionWaiter } from './http2-session.ts'
import { type BodySink, RequestBody } from './request-body.ts'

const { NGHTTP2_FLAG_END_STREAM } = http2.constants

export class Http2Exchange implements Carrier, BodySink, SessionWaiter {
  readonly session: Http2Session
  readonly #address: BackendAddress
  readonly #isSecondTry: boolean
  #stream: http2.ClientHttp2Stream | undefined
  #request: UpstreamRequest | undefined
  #listener: CarrierListener | undefined
  #requestTrailers: FieldList = []
  #trailers: FieldList = []
  #provisional = 0
  #isHeadIn = false
  #isEnded = false

  constructor (address: BackendAddress, session: Http2Session, isSecondTry: boolean) {
    this.#address = address
    this.session = session
    this.#isSecondTry = isSecondTry
  }

  /** A second try counts as one over a new connection: there is no third one. */
  get isUsed (): boolean {
    return this.session.isUsed && !this.#isSecondTry
  }

  send (request: UpstreamRequest, listener: CarrierListener): void {
    this.#request = request
    this.#listener = listener
    this.session.whenOpen(this)
  }

  sessionOpened (session: http2.ClientHttp2Session): void {
    if (this.#request !== undefined && this.#listener !== undefined) this.#open(session, this.#request, this.#listener)
  }

  sessionFailed (error: Error): void {
    this.#fail(error)
  }

  pause (): void {
    this.#stream?.pause()
  }

  resume (): void {
    this.#stream?.resume()
  }

  abort (): void {
    this.session.leave(this)
    this.#release()
    if (this.#stream !== undefined) cancel(this.#stream)
  }

  suspect (): void {
    this.session.suspect()
  }

  bodyPart (part: Buffer): boolean {
    const goesOn = this.#stream?.write(part) ?? false
    this.#listener?.onBodySent()
    return goesOn
  }

  bodyEnd (trailers: FieldList): void {
    this.#requestTrailers = trailers
    this.#stream?.end()
    this.#listener?.onBodySent()
  }

  #open (session: http2.ClientHttp2Session, request: UpstreamRequest, listener: CarrierListener): void {
    const { body } = request
    let stream: http2.ClientHttp2Stream
    try {
      stream = session.request(http2RequestHead(request, this.#address), { endStream: body === null, waitForTrailers: body instanceof RequestBody })
    } catch (error) {
      // Node does not want to send this head; a session that has ended tells by way of the stream.
      process.nextTick(() => this.#fail(causedBy(new UpstreamRefusedError(), error instanceof Error ? error : undefined)))
      return
    }
    this.#stream = stream
    this.#listen(stream)
    listener.onSent()
    if (body instanceof RequestBody) body.attach(this)
    else if (body !== null) stream.end(body)
  }

  #listen (stream: http2.ClientHttp2Stream): void {
    stream.on('headers', (_headers, _flags, raw: readonly string[]) => this.#guard(stream, () => this.#information(raw)))
    stream.on('response', (_headers, flags, raw: readonly string[]) => this.#guard(stream, () => this.#head(raw, (flags & NGHTTP2_FLAG_END_STREAM) !== 0)))
    stream.on('data', (chunk: Buffer) => this.#listener?.onBody(chunk))
    stream.on('trailers', (_trailers, _flags, raw: readonly string[]) => { this.#trailers = [...raw] })
    this.#noteEnd(stream)
    stream.on('end', () => { if (this.#isEnded) this.#complete(stream) })
    stream.on('wantTrailers', () => this.#guard(stream, () => stream.sendTrailers(grouped(fieldsForHttp2(this.#requestTrailers)))))
    stream.on('drain', () => { if (this.#request?.body instanceof RequestBody) this.#request.body.resume(this) })
    // What it was is told when the stream closes.
    let cause: Error | undefined
    stream.on('error', (error) => { cause = error })
    stream.on('close', () => this.#closed(stream, cause))
  }

  /**
   * Notes whether the backend has ended the answer. Node lets a stream end that was reset too (RST_STREAM with NO_ERROR is what
   * a backend sends that gives up without saying why); only at the moment when the end is pushed can the two be told apart.
   */
  #noteEnd (stream: http2.ClientHttp2Stream): void {
    const push = stream.push.bind(stream)
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null) this.#isEnded ||= !stream.closed
      return push(chunk, encoding)
    }
  }

  get #method (): string {
    return this.#request?.method ?? 'GET'
  }

  /** What is thrown out of an event of Node ends the process: here it ends the exchange. */
  #guard (stream: http2.ClientHttp2Stream, action: () => void): void {
    try {
      action()
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#fail(error instanceof MessageFault ? causedBy(new UpstreamBadResponseError(), error) : resetOf(stream, error))
      cancel(stream)
    }
  }

  #information (raw: readonly string[]): void {
    const head = http2ResponseHead(raw, this.#method, false)
    if (++this.#provisional > MAX_PROVISIONAL) throw new MessageFault('too many provisional answers')
    this.#listener?.onInformation(head)
  }

  #head (raw: readonly string[], isWhole: boolean): void {
    const head = http2ResponseHead(raw, this.#method, isWhole)
    this.#isHeadIn = true
    this.#listener?.onHead(head)
    // Frames that came with it are told within this turn.
    process.nextTick(moreToCome, this)
  }

  /** Called when everything that came with the head has been told. */
  moreToCome (): void {
    this.#listener?.onMoreToCome()
  }

  #complete (stream: http2.ClientHttp2Stream): void {
    const listener = this.#listener
    if (listener === undefined || !this.#isHeadIn) return
    this.session.isUsed = true
    this.#release()
    // What is left of the upload is not wanted any more.
    if (!stream.writableEnded) cancel(stream)
    listener.onEnd(this.#trailers)
  }

  /** A stream that closes with its answer not whole. */
  #closed (stream: http2.ClientHttp2Stream, cause: Error | undefined): void {
    if (this.#listener === undefined) return
    // There was no number left for it (2^31 - 1 is the last), nor will there be one for another.
    if (stream.id === undefined) this.session.retire()
    if (!this.#isHeadIn && this.session.leftOut(stream)) this.#fail(causedBy(new UpstreamRefusedError(), cause))
    else if (this.session.hasEnded) this.#fail(causedBy(new UpstreamResetError(), cause ?? new Error('the session ended')))
    else this.#fail(resetOf(stream, cause))
  }

  #fail (error: Error): void {
    const listener = this.#listener
    this.#release()
    listener?.onError(error)
  }

  #release (): void {
    if (this.#request?.body instanceof RequestBody) this.#request.body.detach(this)
    this.#request = this.#listener = undefined
  }
}

function moreToCome (exchange: Http2Exchange): void {
  exchange.moreToCome()
}

/** RST_STREAM with CANCEL. Not stream.close(): it would end the body as if it were whole before it resets the stream. */
function cancel (stream: http2.ClientHttp2Stream): void {
  addAbortSignal(AbortSignal.abort(), stream)
}

function resetOf (stream: http2.ClientHttp2Stream, cause: Error | undefined): Error {
  return causedBy(new UpstreamResetError(), new StreamReset(cause?.message ?? `the stream was reset (code ${stream.rstCode})`, { cause }))
}
