/**
 * A request of a client, between the client and the attempts that are made for it. What is sent and what comes back is the business of its
 * neighbours (upload, headers, attempt, answer, tunnel).
 */
import type { Duplex } from 'node:stream'
import { closeBehind } from '../client/closing.ts'
import { canSendStatus, cutResponse, isAnswered, isGone, writeInformation } from '../client/client-response.ts'
import type { ClientReply, ClientRequest } from '../client/client-side.ts'
import { type ClientOwner, ClientWatch } from '../client/client-watch.ts'
import type { UpgradeRequest } from '../client/upgrade-request.ts'
import { ClientTimeoutError } from '../errors.ts'
import { Deadline } from '../timing/deadline.ts'
import { ATTEMPTS_FIELD, EXPLAIN_FIELD, type FieldList } from '../wire/fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { relayedTrailers } from '../wire/trailers.ts'
import { Answer, type AnswerOwner } from './answer.ts'
import type { Attempt } from './attempt.ts'
import { bodySource } from './body-source.ts'
import type { UpstreamRequest } from './carrier.ts'
import type { EngineParts, UnseenEnd } from './engine-parts.ts'
import { requestTimeout, statusFailure } from './failure.ts'
import { upstreamRequest } from './headers.ts'
import { HedgedAttempts } from './hedged-attempts.ts'
import { openTunnel } from './tunnel.ts'
import { Upload } from './upload.ts'

/** Status of a request whose client left before there was an answer, as nginx logs it; never sent. */
const STATUS_CLIENT_GONE = 499

const CONTINUE = 100

export class Exchange extends HedgedAttempts implements AnswerOwner, ClientOwner {
  /** Bytes of the answer's body that came from the backend; of a tunnel, all that it sent. */
  responseBytes = 0
  /** Whether it is over without a whole answer given to the client, or was a tunnel. */
  endedUnseen = false

  readonly #parts: EngineParts
  readonly #upgrade: UpgradeRequest | undefined
  #reply: ClientReply | undefined
  #upload: Upload | undefined
  #answer: Answer | undefined
  #watch: ClientWatch | undefined
  #deadline: Deadline | undefined
  #tunnelBytes = 0

  constructor (parts: EngineParts, request: ClientRequest, upgrade: UpgradeRequest | undefined) {
    super(parts, request, upgrade !== undefined)
    this.#parts = parts
    this.#upgrade = upgrade
  }

  /** The client's address. */
  get client (): string {
    const { peer, head } = this.request
    return peer.clientOf(head.forwarding)
  }

  /** Time since the request came, in ms. */
  get elapsedMs (): number {
    return this.#reply?.elapsedTime ?? 0
  }

  /** Bytes of the request's body read from the client; of a tunnel, all that the client sent. */
  get requestBytes (): number {
    return this.#tunnelBytes + (this.#upload?.bytes ?? 0)
  }

  /** Whether the upload waits for the client. */
  get waitsForClient (): boolean {
    return this.#upload?.waitsForClient === true
  }

  /** Carries the request out; from here on the reply is the exchange's. Throws for a body that cannot be forwarded. */
  start (reply: ClientReply): void {
    this.#reply = reply
    const { raw, body, head } = this.request
    const source = bodySource(raw, body, head.hasBody)
    this.#watch = new ClientWatch({ raw, reply, sendTimeouts: this.#parts.sendTimeouts, owner: this })
    // While a hook took its time.
    if (isGone(reply.raw)) return this.#watch.clientClosed()
    const { requestTimeouts } = this.#parts
    if (requestTimeouts !== undefined) this.#deadline = Deadline.started(requestTimeouts, (timeoutMs) => this.#clientFailed(requestTimeout(this.#upload?.isComplete === false, timeoutMs)))
    if (source === undefined) return this.enter()
    this.#upload = new Upload({ request: this.request, reply, parts: this.#parts, source, onFailed: (error) => this.#clientFailed(error) })
    this.#upload.prepare(() => this.enter())
  }

  /** Has an answer say how its backend was chosen, if the client has asked for that. */
  explainTo (reply: ClientReply): void {
    if (this.explanation?.isAsked !== true) return
    reply.header(ATTEMPTS_FIELD, String(this.attempts))
    reply.header(EXPLAIN_FIELD, this.explanation.asField())
  }

  /** The reply has been sent, by the exchange or by a hook in its place. */
  answered (): void {
    this.#watch?.answered()
  }

  clientStalled (timeoutMs: number): void {
    this.#clientFailed(new ClientTimeoutError('take its answer', `CLIENT_SEND_TIMEOUT_MS: ${timeoutMs} ms`))
  }

  clientClosed (): void {
    this.#upload?.stopAsking()
    this.#deadline?.clear()
    if (this.isOver) return
    // A hook may have answered in place of the backend: what has not been asked of it is not asked any more, and nobody reads its answer.
    if (this.#reply !== undefined && isAnswered(this.#reply.raw)) this.isOver = true
    else this.#end('client gone')
    this.#answer?.drop()
    this.abortAttempts()
    this.#upload?.discard()
  }

  answerBegins (): void {
    this.#watch?.answerBegins()
    this.#upload?.stopAsking()
    if (this.#answer !== undefined && this.#reply !== undefined && this.backend !== undefined) this.#parts.sticky?.mark(this.request, this.#reply, this.backend)
    if (this.explanation !== undefined && this.#reply !== undefined) this.explainTo(this.#reply)
    // A client that is answered before it has sent its body may or may not send the rest: the next request must not be taken for it.
    if (this.#upload?.isComplete === false && this.#reply !== undefined) closeBehind(this.#reply, this.request.raw.socket)
  }

  answerWaits (): void {
    this.#watch?.waitForClient()
  }

  answerFlows (): void {
    this.#watch?.clientTook()
  }

  attemptSent (): void {
    this.#upload?.headSent()
  }

  attemptInformation (_attempt: Attempt, head: ResponseHead): void {
    this.#watch?.interim()
    if (head.statusCode === CONTINUE) this.#upload?.askForBody()
    else if (this.#reply !== undefined) writeInformation(this.#reply.raw, head.statusCode, head.fields)
  }

  attemptData (_attempt: Attempt, chunk: Buffer): void {
    this.responseBytes += chunk.length
    this.#answer?.data(chunk)
  }

  attemptGoesOn (): void {
    this.#answer?.goesOn()
  }

  attemptUpgraded (attempt: Attempt, head: ResponseHead, upstream: Duplex, early: Buffer): void {
    const reply = this.#reply
    const upgrade = this.#upgrade
    if (reply === undefined || upgrade === undefined) return attempt.abort()
    this.noteUpgrade()
    this.explanation?.noteAttempt(attempt.backend.url, head.statusCode)
    this.explainTo(reply)
    this.#parts.sticky?.mark(this.request, reply, attempt.backend)
    this.isOver = true
    this.#deadline?.clear()
    this.#watch?.stop()
    reply.hijack()
    openTunnel({ reply, upgrade, head, upstream, early, timeouts: this.#parts.tunnelTimeouts }, ({ fromClient, toClient }) => {
      this.#tunnelBytes = fromClient
      this.responseBytes = toClient
      attempt.close()
      this.#end('tunnel closed')
    })
  }

  protected get hasBody (): boolean {
    return this.#upload !== undefined
  }

  protected get canReplay (): boolean {
    return this.#upload?.canReplay !== false
  }

  protected get hasBegun (): boolean {
    return this.#answer?.begun === true
  }

  protected upstreamRequest (): UpstreamRequest {
    return upstreamRequest(this.request, this.#upload?.forAttempt() ?? null, this.#upgrade !== undefined)
  }

  protected forgetAnswer (): void {
    this.#answer?.drop()
    this.#answer = undefined
  }

  protected answerComes (attempt: Attempt, head: ResponseHead): Error | undefined {
    if (this.#reply === undefined) return undefined
    if (!canSendStatus(this.#reply.raw, head.statusCode)) return statusFailure(head)
    this.#answer = new Answer({ owner: this, reply: this.#reply, attempt, head })
    return undefined
  }

  protected answerDone (trailers: FieldList): void {
    this.#deadline?.clear()
    this.#answer?.end(trailers.length === 0 ? trailers : relayedTrailers(trailers))
    this.#upload?.discard()
  }

  /** No further attempt: the client is told, or its answer is cut where it is. */
  protected gaveUp (error: Error): void {
    this.#deadline?.clear()
    if (this.#answer?.begun === true) {
      this.#end('answer cut')
      this.#answer.cut()
      return
    }
    this.forgetAnswer()
    this.isOver = true
    this.answerBegins()
    this.#reply?.send(error)
    this.#watch?.waitForClient()
    this.#upload?.discard()
  }

  /** The client did what it may not, or time is up: nothing more is asked of the backend. */
  #clientFailed (error: Error): void {
    if (this.isOver && this.#reply?.raw.writableFinished !== false) return
    // Otherwise it is the answer, and logged as such.
    if (this.isOver || this.#answer?.begun === true) this.#parts.observer.clientFailed(this, error)
    this.abortAttempts()
    // What is whole on our side, but not taken by the client, is over all the same.
    if (this.isOver && this.#reply !== undefined) return cutResponse(this.#reply.raw)
    if (this.#reply !== undefined && this.#answer?.begun !== true) closeBehind(this.#reply, this.request.raw.socket)
    this.gaveUp(error)
  }

  #end (end: UnseenEnd): void {
    this.isOver = true
    this.endedUnseen = true
    const raw = this.#reply?.raw
    this.#parts.observer.endedUnseen(this, end, raw === undefined || (end === 'client gone' && !raw.headersSent) ? STATUS_CLIENT_GONE : raw.statusCode)
  }
}
