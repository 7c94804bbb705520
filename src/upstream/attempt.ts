/**
 * One try of one request at one backend: carries what the carrier tells to its owner, keeps the deadlines, and settles the
 * account exactly once, however it ends.
 */
import type { Duplex } from 'node:stream'
import { AttemptTimeoutError, UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError } from '../errors.ts'
import type { Backend } from '../pool/backend.ts'
import { type AttemptResult, RESULT_FAILED, RESULT_UNKNOWN, SWITCHED } from '../pool/policy.ts'
import type { FieldList } from '../wire/fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Carrier, CarrierListener, UpstreamRequest } from './carrier.ts'
import type { EngineParts } from './engine-parts.ts'
import { type Failure, failureOf } from './failure.ts'
import { Deadline } from '../timing/deadline.ts'
import { Timed } from '../timing/timeout-queue.ts'

/** Whoever made the attempt. After `attemptDone`, `attemptFailed` or `attemptUpgraded` nothing more is called. */
export interface AttemptOwner {
  /** The request is on its way to the backend. */
  attemptSent (attempt: Attempt): void
  attemptInformation (attempt: Attempt, head: ResponseHead): void
  /** `nowMs`: what the monotonic clock says. */
  attemptHead (attempt: Attempt, head: ResponseHead, nowMs: number): void
  attemptData (attempt: Attempt, chunk: Buffer): void
  /** The answer did not come whole with its head. */
  attemptGoesOn (attempt: Attempt): void
  attemptDone (attempt: Attempt, trailers: FieldList): void
  attemptFailed (attempt: Attempt, failure: Failure): void
  /** The backend switched protocols. The attempt stays in flight until `close`. */
  attemptUpgraded (attempt: Attempt, head: ResponseHead, socket: Duplex, early: Buffer): void
  /** Whether the upload waits for the client, so that the backend cannot be blamed for its silence. */
  readonly waitsForClient: boolean
}

export class Attempt extends Timed implements CarrierListener {
  readonly backend: Backend
  /** Whether the request was on its way to the backend. */
  sent = false
  readonly #owner: AttemptOwner
  readonly #carrier: Carrier
  readonly #parts: EngineParts
  readonly #startedMs: number
  #isHeadMissing = true
  /** From the start to the head, in ms; NaN if there was none. */
  #latencyMs = NaN
  #status = RESULT_UNKNOWN
  /** When the head came, as long as nothing has come later; 0 otherwise. */
  #headMs = 0
  #isOver = false
  #isPaused = false
  /** Until the head has come. */
  readonly #deadline: Deadline | undefined

  /** `pool.begin` has let it in. */
  constructor (owner: AttemptOwner, backend: Backend, carrier: Carrier, parts: EngineParts, nowMs: number) {
    super()
    this.#startedMs = nowMs
    if (parts.attemptTimeouts !== undefined) this.#deadline = Deadline.started(parts.attemptTimeouts, (timeoutMs) => this.#tookTooLong(timeoutMs))
    this.#owner = owner
    this.backend = backend
    this.#carrier = carrier
    this.#parts = parts
  }

  /** Whether its connection has carried answers of other exchanges. */
  get onUsedConnection (): boolean {
    return this.#carrier.isUsed
  }

  /** Whether its backend is to blame for a failure: that it closed an old connection as it was used, before its answer, may happen to anybody. */
  blames ({ connectionEnded }: Failure): boolean {
    return !connectionEnded || !this.onUsedConnection || !this.#isHeadMissing
  }

  send (request: UpstreamRequest): void {
    this.#carrier.send(request, this)
  }

  /** Gives the attempt up: what carries it ends at once. The owner is not called any more. */
  abort (): void {
    if (this.#isOver) return
    this.#carrier.abort()
    this.#settle(RESULT_UNKNOWN)
  }

  /** Its answer is not wanted, and counts as what its status says. The owner is not called any more. */
  reject (): void {
    if (this.#isOver) return
    this.#carrier.abort()
    this.#settle(this.#status)
  }

  /** Ends an attempt that became a tunnel. */
  close (): void {
    if (!this.#isOver) this.#settle(SWITCHED)
  }

  /** The client takes no more for now. */
  pause (): void {
    if (this.#isOver) return
    this.#isPaused = true
    this.queue?.clear(this)
    this.#carrier.pause()
  }

  resume (): void {
    if (!this.#isPaused || this.#isOver) return
    this.#isPaused = false
    this.#parts.idleTimeouts.start(this)
    this.#carrier.resume()
  }

  override timedOut (timeoutMs: number): void {
    const isHeadMissing = this.#isHeadMissing
    if (isHeadMissing && this.#owner.waitsForClient) return this.#parts.headersTimeouts.start(this)
    this.#carrier.suspect?.()
    this.#carrier.abort()
    this.onError(isHeadMissing ? new UpstreamHeadersTimeoutError(timeoutMs) : new UpstreamIdleTimeoutError(timeoutMs))
  }

  onSent (): void {
    if (this.#isOver) return
    this.sent = true
    this.#parts.headersTimeouts.start(this)
    this.#owner.attemptSent(this)
  }

  /** A part of the body went to the backend: its time to answer, or to go on with an answer that it has begun, begins anew. */
  onBodySent (): void {
    if (!this.#isOver) this.queue?.start(this)
  }

  onInformation (head: ResponseHead): void {
    if (!this.#isOver) this.#owner.attemptInformation(this, head)
  }

  onHead (head: ResponseHead): void {
    if (this.#isOver) return
    this.#isHeadMissing = false
    this.#deadline?.clear()
    // Most answers come whole with their head; silence is watched in the others.
    this.queue?.clear(this)
    this.#headMs = this.#parts.nowMs()
    this.#latencyMs = this.#headMs - this.#startedMs
    this.#status = head.statusCode
    if (head.drains) this.#parts.pool.verdicts.drainAsAsked(this.backend)
    this.#owner.attemptHead(this, head, this.#headMs)
  }

  onBody (chunk: Buffer): void {
    if (this.#isOver) return
    this.queue?.start(this)
    this.#owner.attemptData(this, chunk)
  }

  /** From here on the answer must not fall silent for longer than the idle timeout. */
  onMoreToCome (): void {
    if (this.#isOver) return
    this.#headMs = 0
    if (!this.#isPaused) this.#parts.idleTimeouts.start(this)
    this.#owner.attemptGoesOn(this)
  }

  onEnd (trailers: FieldList): void {
    if (this.#isOver) return
    this.#settle(this.#status)
    this.#owner.attemptDone(this, trailers)
  }

  onUpgrade (head: ResponseHead, socket: Duplex, early: Buffer): void {
    if (this.#isOver) {
      socket.destroy()
      return
    }
    this.queue?.clear(this)
    if (head.drains) this.#parts.pool.verdicts.drainAsAsked(this.backend)
    this.#deadline?.clear()
    this.#parts.pool.switched(this.backend)
    this.#owner.attemptUpgraded(this, head, socket, early)
  }

  onError (error: Error): void {
    if (this.#isOver) return
    const failure = failureOf(error, this.sent)
    this.#settle(this.blames(failure) ? RESULT_FAILED : RESULT_UNKNOWN)
    this.#owner.attemptFailed(this, failure)
  }

  #settle (result: AttemptResult): void {
    this.#isOver = true
    this.queue?.clear(this)
    this.#deadline?.clear()
    const { pool, carriers, nowMs, requestQueue } = this.#parts
    carriers[this.backend.slot]?.release(this.#carrier, this.#headMs === 0 ? nowMs() : this.#headMs)
    pool.ended(this.backend, this.#latencyMs, result)
    requestQueue?.wakeSoon()
  }

  #tookTooLong (timeoutMs: number): void {
    if (this.#owner.waitsForClient) {
      if (this.#deadline !== undefined) this.#parts.attemptTimeouts?.start(this.#deadline)
      return
    }
    this.#carrier.suspect?.()
    this.#carrier.abort()
    this.onError(new AttemptTimeoutError(timeoutMs))
  }
}
