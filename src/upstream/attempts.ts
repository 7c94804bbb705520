/**
 * The attempts for a request: where they go, what follows when one fails, and what is waited for between two of them. What an answer
 * means to the client is the business of the exchange.
 */
import type { Duplex } from 'node:stream'
import type { ClientRequest } from '../client/client-side.ts'
import { AnswerRefusedError, QueueTimeoutError } from '../errors.ts'
import type { Backend } from '../pool/backend.ts'
import type { GateWaiter } from '../pool/gate.ts'
import { RESULT_UNKNOWN } from '../pool/policy.ts'
import type { FieldList } from '../wire/fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Carrier, UpstreamRequest } from './carrier.ts'
import { newCarrier } from './carriers.ts'
import type { EngineParts } from './engine-parts.ts'
import { type Failure, failureOf, withRetryAfter } from './failure.ts'
import type { PlaceWaiter } from './request-queue.ts'
import type { History } from './retries.ts'
import { Selection } from './selection.ts'
import { withTried } from './tried.ts'

/** From here on a status says that the server has failed (RFC 9110, section 15.6). */
const FIRST_SERVER_ERROR = 500

export abstract class Attempts extends Selection implements GateWaiter, PlaceWaiter, AttemptOwner, History {
  /** The backend of the last attempt, or of the one that was answered. */
  backend: Backend | undefined = undefined
  /** Attempts made so far. */
  attempts = 0
  /** Time from the first attempt to the head of the answer, in ms; undefined until there is one. */
  upstreamMs: number | undefined = undefined
  /** Whether nothing is asked of a backend any more. */
  protected isOver = false
  readonly #parts: EngineParts
  readonly #wantsTunnel: boolean
  /** The attempt that is under way. */
  protected current: Attempt | undefined = undefined
  #firstSentMs = 0
  /** What the last attempt failed for. */
  #failure: Error | undefined
  /** Whether a backend has been waited for that asked for it (Retry-After): one that always does must not be asked for ever. */
  #hasWaited = false
  /** Whether an attempt was paid from the budget, which gets it back if this one, or one that follows it for nothing, is answered well. */
  #isPaid = false
  /** Prevents what is to happen later: the next attempt, or one beside the present one. */
  #cancelLater: (() => void) | undefined

  constructor (parts: EngineParts, request: ClientRequest, wantsTunnel: boolean) {
    super(parts, request)
    this.#parts = parts
    this.#wantsTunnel = wantsTunnel
  }

  /** Time since the first attempt began, in ms. */
  get sinceFirstMs (): number {
    return this.attempts === 0 ? 0 : this.#parts.nowMs() - this.#firstSentMs
  }

  get isAnyLeft (): boolean {
    const { pool, requestQueue } = this.#parts
    return pool.hasLeft(this.tried) || (requestQueue !== undefined && this.mayWait)
  }

  abstract readonly waitsForClient: boolean
  abstract attemptSent (attempt: Attempt): void
  abstract attemptInformation (attempt: Attempt, head: ResponseHead): void
  abstract attemptData (attempt: Attempt, chunk: Buffer): void
  abstract attemptGoesOn (attempt: Attempt): void
  abstract attemptUpgraded (attempt: Attempt, head: ResponseHead, socket: Duplex, early: Buffer): void

  /** Whether the request has a body. */
  protected abstract readonly hasBody: boolean
  /** Whether it can be sent again from its first byte. */
  protected abstract readonly canReplay: boolean
  /** Whether the client may have been told anything of an answer. */
  protected abstract readonly hasBegun: boolean
  /** The request, for one attempt. */
  protected abstract upstreamRequest (): UpstreamRequest
  /** Another attempt begins: what has come of an answer counts no more. */
  protected abstract forgetAnswer (): void
  /** An answer that is passed on. Ours to refuse is one that the client's protocol has no words for: then an error is returned. */
  protected abstract answerComes (attempt: Attempt, head: ResponseHead): Error | undefined
  /** It is whole. */
  protected abstract answerDone (trailers: FieldList): void
  /** The first attempt is about to be sent, and a slow one may be given a rival. */
  protected abstract prepareRival (): void
  /** The head of the answer has come, this long after the first attempt began. */
  protected abstract noteLatency (ms: number): void
  /** There is no further attempt. */
  protected abstract gaveUp (error: Error): void

  gateOpened (): void {
    this.#sendNext()
  }

  placeFree (): boolean {
    const isTooLate = this.attempts > 0 && !this.#parts.retries.isInTime(this)
    const backend = isTooLate ? undefined : this.nextBackend()
    if (backend === undefined && !isTooLate && this.mayWait) return false
    // First: what follows may bring it back into the queue.
    this.#parts.requestQueue?.leave(this)
    if (backend === undefined) this.#noneLeft(this.nobodyLeft())
    else this.#sendTo(backend)
    return true
  }

  waitedTooLong (timeoutMs: number): void {
    this.#giveBack()
    this.gaveUp(withRetryAfter(new QueueTimeoutError(timeoutMs)))
  }

  attemptHead (attempt: Attempt, head: ResponseHead, nowMs: number): void {
    if (this.#cancelLater !== undefined) this.#stopWaiting()
    this.explanation?.noteAttempt(attempt.backend.url, head.statusCode)
    this.upstreamMs = nowMs - this.#firstSentMs
    if (this.#parts.retries.isUnwanted(head.statusCode) && this.#refuses(attempt, head)) return
    if (head.statusCode < FIRST_SERVER_ERROR) this.#giveBack()
    this.noteLatency(this.upstreamMs)
    const error = this.answerComes(attempt, head)
    if (error === undefined) return
    attempt.abort()
    this.attemptFailed(attempt, failureOf(error, true))
  }

  attemptDone (_attempt: Attempt, trailers: FieldList): void {
    this.current = undefined
    this.answerDone(trailers)
  }

  attemptFailed (attempt: Attempt, failure: Failure): void {
    this.#stopWaiting()
    this.explanation?.noteAttempt(attempt.backend.url, failure.error.code)
    this.current = undefined
    const before = this.tried
    this.exclude(attempt.backend)
    const decision = this.hasBegun ? 'no' : this.#parts.retries.decide({
      mayRepeat: this.mayRepeat(),
      sent: failure.sent,
      onUsedConnection: attempt.onUsedConnection,
      connectionEnded: failure.connectionEnded,
      canReplay: this.canReplay
    }, this)
    this.#isPaid ||= decision === 'other-backend' && failure.sent
    this.#parts.observer.attemptFailed(this, failure, decision)
    // A backend that has begun to drain meanwhile closes what is idle: there is nothing to be had there any more.
    if (decision === 'same-backend' && !attempt.backend.isDraining && this.#parts.pool.begin(attempt.backend)) {
      this.tried = before
      // Never one for a tunnel: those of HTTP/1.1 are new ones at once, and HTTP/2 has none.
      return this.#send(attempt.backend, newCarrier(this.#parts.carriers[attempt.backend.slot], false), this.#parts.nowMs())
    }
    if (attempt.blames(failure)) this.#parts.pool.counters.attemptFailed(attempt.backend.slot)
    this.#failure = failure.error
    if (decision === 'no') return this.gaveUp(failure.error)
    this.later(failure.sent ? this.#parts.retries.backoffMs(this) : 0, () => this.#sendNext())
  }

  /** A backend has switched protocols. */
  protected noteUpgrade (): void {
    this.upstreamMs = this.sinceFirstMs
    this.#giveBack()
  }

  /** Everything needed to send is there. */
  protected enter (): void {
    if (this.isOver) return
    const { gate } = this.#parts.pool
    if (gate.isOpen) this.#sendNext()
    else gate.wait(this)
  }

  /** Ends what is under way and waits for nothing any more. */
  protected abortAttempts (): void {
    const isInBackoff = this.current === undefined && this.#cancelLater !== undefined
    this.#stopWaiting()
    this.#parts.pool.gate.leave(this)
    const isInQueue = this.#parts.requestQueue?.leave(this) === true
    // Clients that leave before their retries are made must not take those of others.
    if (isInBackoff || isInQueue) this.#giveBack()
    this.current?.abort()
    this.current = undefined
  }

  /** The next attempt goes to a backend that was not tried; if none is left, the last failure is the answer. */
  #sendNext (): void {
    if (this.isOver) return
    const { requestQueue } = this.#parts
    // Whoever comes later does not overtake those who wait.
    const isBehind = this.attempts === 0 && requestQueue?.letsBy() === false
    const backend = isBehind ? undefined : this.nextBackend()
    if (backend !== undefined) this.#sendTo(backend)
    else if (!isBehind && !this.mayWait) this.#noneLeft(this.nobodyLeft())
    else if (requestQueue?.enter(this) !== true) this.#noneLeft(this.full())
  }

  /** `error` is told if there has been no attempt. */
  #noneLeft (error: Error): void {
    this.#giveBack()
    this.gaveUp(this.#failure ?? error)
  }

  /** The backend counts it as in flight already. */
  #sendTo (backend: Backend): void {
    const nowMs = this.#parts.nowMs()
    if (this.attempts === 0) this.#firstSentMs = nowMs
    const carriers = this.#parts.carriers[backend.slot]
    this.#send(backend, this.#wantsTunnel ? newCarrier(carriers, true) : carriers?.take(nowMs, this.mayRepeat()), nowMs)
  }

  #send (backend: Backend, carrier: Carrier | undefined, nowMs: number): void {
    if (carrier === undefined) {
      this.#parts.pool.ended(backend, NaN, RESULT_UNKNOWN)
      return this.gaveUp(this.nobodyLeft())
    }
    this.attempts++
    if (this.attempts > 1) this.#parts.pool.counters.retried(backend.slot)
    this.backend = backend
    this.forgetAnswer()
    const attempt = new Attempt(this, backend, carrier, this.#parts, nowMs)
    this.current = attempt
    if (this.attempts === 1) this.prepareRival()
    attempt.send(this.upstreamRequest())
  }

  /** Whether the request may be carried out twice. */
  protected mayRepeat (): boolean {
    return this.#parts.retries.mayRepeat(this.request.raw.method ?? '', this.request.head.fields)
  }

  /** True if another backend, or the same one in a moment, is asked in place of passing this answer on. */
  #refuses (attempt: Attempt, head: ResponseHead): boolean {
    const { pool, retries, observer } = this.#parts
    const tried = withTried(this.tried, attempt.backend)
    const hasLeft = pool.hasLeft(tried)
    const waitMs = hasLeft || this.#hasWaited ? undefined : retries.waitMs(fieldOf(head.fields, 'retry-after'))
    const { attempts, sinceFirstMs } = this
    const decision = retries.decide(
      { mayRepeat: this.mayRepeat(), sent: true, onUsedConnection: false, connectionEnded: false, canReplay: this.canReplay },
      { attempts, sinceFirstMs, isAnyLeft: hasLeft || waitMs !== undefined },
      waitMs
    )
    if (decision === 'no') return false
    this.#isPaid = true
    observer.answerRefused(this, head.statusCode, waitMs)
    this.current = undefined
    this.#failure = new AnswerRefusedError(head.statusCode)
    attempt.reject()
    if (waitMs === undefined) this.tried = tried
    else this.#hasWaited = true
    this.later(waitMs ?? retries.backoffMs(this), () => this.#sendNext())
    return true
  }

  /** Calls back after so many ms, unless something else happens before. */
  protected later (delayMs: number, callback: () => void): void {
    if (delayMs === 0) return callback()
    this.#cancelLater = this.#parts.after(delayMs, () => {
      this.#cancelLater = undefined
      callback()
    })
  }

  /** What was paid last was of use, or not made use of. */
  #giveBack (): void {
    if (this.#isPaid) this.#parts.retries.giveBack()
    this.#isPaid = false
  }

  #stopWaiting (): void {
    this.#cancelLater?.()
    this.#cancelLater = undefined
  }
}

/** The value of a field; its name in lower case. */
function fieldOf (fields: FieldList, name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
  return undefined
}
