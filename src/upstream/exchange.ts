/**
 * A request of a client and the attempts made for it: pick, send, account, fail over. What is sent and what comes back is the
 * business of its neighbours (request-body, headers, attempt, answer, tunnel); what happens next is decided here.
 */
import { Readable, type Duplex } from 'node:stream'
import { BodyNotForwardableError, NoBackendAvailableError } from '../errors.ts'
import type { Backend } from '../pool/backend.ts'
import type { GateWaiter } from '../pool/gate.ts'
import type { PickContext } from '../pool/policy.ts'
import { Answer } from './answer.ts'
import { Attempt, type AttemptOwner, type ResponseHead } from './attempt.ts'
import { whenClosed } from './client-connections.ts'
import type { ClientReply, ClientRequest, RawRequest } from './client-side.ts'
import type { UpstreamConnection } from './connection.ts'
import type { EngineParts, UnseenEnd } from './engine-parts.ts'
import { type Failure, nameFailure } from './failure.ts'
import { clientAddress, requestHeaders } from './headers.ts'
import { type AttemptBody, RequestBody } from './request-body.ts'
import { decideRetry, isIdempotent } from './retry.ts'
import { absoluteTarget, type Target } from './target.ts'
import { openTunnel } from './tunnel.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/** Status of a request whose client left before there was an answer, as nginx logs it; never sent. */
const STATUS_CLIENT_GONE = 499

const NOTHING_TRIED: readonly Backend[] = []

export class Exchange implements PickContext, GateWaiter, AttemptOwner {
  readonly request: ClientRequest
  /** The backend of the last attempt. */
  backend: Backend | undefined = undefined
  /** Attempts made so far. */
  attempts = 0
  /** Backends that failed, in the pool's order. */
  tried: readonly Backend[] = NOTHING_TRIED
  /** Bytes of the request's body read from the client; of a tunnel, all that the client sent. */
  requestBytes = 0
  /** Bytes of the answer's body that came from the backend; of a tunnel, all that it sent. */
  responseBytes = 0
  /** Time from the first attempt to the head of the answer, in ms; undefined until there is one. */
  upstreamMs: number | undefined = undefined
  /** The client's address. */
  readonly client: string

  readonly #parts: EngineParts
  readonly #upgrade: UpgradeRequest | undefined
  #reply: ClientReply | undefined
  #picked: Backend | undefined
  #target: Target | undefined
  #body: RequestBody | undefined
  #attempt: Attempt | undefined
  #answer: Answer | undefined
  readonly #startedMs: number
  #firstSentMs = 0
  #isOver = false

  constructor (parts: EngineParts, request: ClientRequest, upgrade: UpgradeRequest | undefined) {
    this.#parts = parts
    this.request = request
    this.client = clientAddress(request.raw)
    this.#upgrade = upgrade
    this.#startedMs = parts.nowMs()
  }

  /** Time since the request came, in ms. */
  get elapsedMs (): number {
    return this.#parts.nowMs() - this.#startedMs
  }

  /** Whether the upload waits for the client. */
  get waitsForClient (): boolean {
    return this.#body?.waitsForClient === true
  }

  /** Picks the backend of the first attempt; its URL, or '' while the gate holds requests back. Throws if there is none. */
  resolve (): string {
    if (!this.#parts.pool.gate.isOpen) return ''
    this.#picked = this.#parts.pool.pick(this)
    if (this.#picked === undefined) throw new NoBackendAvailableError(this.#parts.pool.name)
    return this.#picked.url
  }

  /** Carries the request out; from here on the reply is the exchange's. Throws for a target or body that cannot be forwarded. */
  start (reply: ClientReply): void {
    this.#reply = reply
    const url = this.request.originalUrl
    this.#target = url.startsWith('/') ? { path: url } : absoluteTarget(url)
    this.#body = this.#openBody()
    this.#watchClient(reply)
    if (this.#body === undefined) this.#enter()
    else this.#body.prepare(() => this.#enter())
  }

  gateOpened (): void {
    if (!this.#isOver) this.#sendNext()
  }

  attemptHead (attempt: Attempt, head: ResponseHead): void {
    this.upstreamMs = this.#parts.nowMs() - this.#firstSentMs
    if (this.#reply !== undefined) this.#answer = new Answer(this.#reply, attempt, head)
  }

  attemptData (_attempt: Attempt, chunk: Buffer): void {
    this.responseBytes += chunk.length
    this.#answer?.data(chunk)
  }

  attemptDone (): void {
    this.#attempt = undefined
    this.#answer?.end()
    this.#body?.discard()
  }

  attemptFailed (attempt: Attempt, cause: Error): void {
    this.#attempt = undefined
    const failure = nameFailure(cause, { sent: attempt.sent, headCame: this.#answer !== undefined })
    const decision = this.#answer?.begun === true || !failure.isBackendsFault ? 'no' : decideRetry({
      method: this.request.raw.method ?? '',
      sent: failure.sent,
      onUsedConnection: attempt.onUsedConnection,
      connectionEnded: failure.connectionEnded,
      canReplay: this.#body?.canReplay !== false
    })
    this.#parts.observer.attemptFailed(this, failure, decision)
    if (decision === 'same-backend') return this.#sendAgain(attempt.backend)
    if (failure.isBackendsFault) this.#parts.pool.counters.attemptFailed(attempt.backend.slot)
    if (decision === 'no') return this.#giveUp(failure)
    this.#addTried(attempt.backend)
    this.#sendNext(failure)
  }

  attemptUpgraded (attempt: Attempt, head: ResponseHead, socket: Duplex): void {
    if (this.#reply === undefined || this.#upgrade === undefined) return attempt.abort()
    this.upstreamMs = this.#parts.nowMs() - this.#firstSentMs
    this.#isOver = true
    this.#reply.hijack()
    openTunnel(this.#reply, this.#upgrade, head, socket, ({ fromClient, toClient }) => {
      this.requestBytes = fromClient
      this.responseBytes = toClient
      attempt.close()
      this.#end('tunnel closed')
    })
  }

  /** Everything needed to send is there. */
  #enter (): void {
    const { gate } = this.#parts.pool
    if (gate.isOpen) this.#sendNext()
    else gate.wait(this)
  }

  /** The next attempt goes to a backend that was not tried; if none is left, the last failure is the answer. */
  #sendNext (failure?: Failure): void {
    const { pool, connections } = this.#parts
    const backend = this.#takePicked() ?? pool.pick(this)
    if (backend === undefined) return this.#giveUp(failure)
    const nowMs = this.#parts.nowMs()
    if (this.attempts === 0) this.#firstSentMs = nowMs
    const connection = connections[backend.slot]?.take(nowMs, isIdempotent(this.request.raw.method ?? ''))
    if (connection !== undefined) this.#send(backend, connection)
  }

  /** The next attempt goes to the same backend, over a connection that cannot be a stale one. */
  #sendAgain (backend: Backend): void {
    const connection = this.#parts.connections[backend.slot]?.takeNew()
    if (connection !== undefined) this.#send(backend, connection)
  }

  #send (backend: Backend, connection: UpstreamConnection): void {
    const { raw } = this.request
    const body: AttemptBody = this.#body?.forAttempt() ?? null
    this.attempts++
    this.backend = backend
    this.#answer?.drop()
    this.#answer = undefined
    this.#attempt = new Attempt(this, backend, connection, this.#parts)
    this.#attempt.send({
      path: this.#target?.path ?? '/',
      method: raw.method ?? 'GET',
      headers: requestHeaders(raw, { client: this.client, host: this.#target?.host, keepLength: this.#keepsLength() }),
      body,
      // By itself undici closes a connection after HEAD, and after a body where it expects none.
      reset: false,
      ...(this.#upgrade !== undefined && { upgrade: raw.headers.upgrade ?? '' })
    })
  }

  /** The backend that `resolve` picked, unless it has gone out of service since. */
  #takePicked (): Backend | undefined {
    const picked = this.#picked
    this.#picked = undefined
    return picked !== undefined && picked.position >= 0 ? picked : undefined
  }

  #addTried (backend: Backend): void {
    this.tried = [...this.tried.filter((one) => one !== backend), backend].toSorted((a, b) => a.slot - b.slot)
  }

  /** No further attempt: the client is told, or its answer is cut where it is. */
  #giveUp (failure: Failure | undefined): void {
    if (this.#answer?.begun === true) {
      this.#end('answer cut')
      this.#answer.cut()
      return
    }
    this.#answer?.drop()
    this.#isOver = true
    this.#reply?.send(failure?.error ?? new NoBackendAvailableError(this.#parts.pool.name))
    this.#body?.discard()
  }

  #watchClient (reply: ClientReply): void {
    const { raw } = reply
    const onClose = (): void => this.#clientClosed()
    raw.on('close', onClose)
    if (raw.socket !== null) return
    // The answer waits behind that of a pipelined request before it, and is not told by Node 24 when the connection closes.
    raw.once('close', whenClosed(this.request.raw.socket, onClose))
  }

  /** The client's side is closed: after its answer, or because it left. */
  #clientClosed (): void {
    if (this.#isOver) return
    // A hook may have answered in place of the backend, whose answer nobody reads then.
    if (this.#reply?.raw.writableFinished === true) return this.#attempt?.abort()
    this.#end('client gone')
    this.#parts.pool.gate.leave(this)
    this.#answer?.drop()
    this.#attempt?.abort()
  }

  #end (end: UnseenEnd): void {
    this.#isOver = true
    const raw = this.#reply?.raw
    const status = raw === undefined || (end === 'client gone' && !raw.headersSent) ? STATUS_CLIENT_GONE : raw.statusCode
    this.#parts.observer.endedUnseen(this, end, status)
  }

  #openBody (): RequestBody | undefined {
    const { raw, body } = this.request
    const length = raw.headers['content-length']
    const source = bodySource(raw, body)
    if (source === undefined) return undefined
    return new RequestBody({
      source,
      length: source === raw && length !== undefined ? Number(length) : undefined,
      onRead: (bytes) => { this.requestBytes += bytes }
    })
  }

  /** Content-Length goes on as long as the body is the one that the client sent. */
  #keepsLength (): boolean {
    return this.request.body === undefined || this.request.body === null || this.request.body === this.request.raw
  }
}

/** Where the body is read from: what the hooks left, else the client; undefined if there is none. */
function bodySource (raw: RawRequest, body: unknown): Readable | undefined {
  if (body === raw) return raw
  if (body instanceof Readable) return body
  if (typeof body === 'string' || Buffer.isBuffer(body)) return Readable.from([Buffer.from(body)])
  if (body !== undefined && body !== null) throw new BodyNotForwardableError(typeof body)
  const { 'content-length': length, 'transfer-encoding': coding } = raw.headers
  return coding === undefined && (length === undefined || Number(length) === 0) ? undefined : raw
}
