/**
 * Attempts of which a second one is sent while the first may yet be answered (hedging): whichever is answered first is the one, and the
 * other is given up.
 */
import type { ClientRequest } from '../client/client-side.ts'
import { RESULT_UNKNOWN } from '../pool/policy.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { Attempt } from './attempt.ts'
import { Attempts } from './attempts.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Failure } from './failure.ts'
import { withTried } from './tried.ts'

/** Methods that may be sent to two backends at once: they only ask (RFC 9110, section 9.2.1), and have no body. */
const HEDGED: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** What has become of an attempt whose rival was answered first, for an explanation. */
const OVERTAKEN = 'overtaken'

export abstract class HedgedAttempts extends Attempts {
  readonly #parts: EngineParts
  readonly #wantsTunnel: boolean
  /** The attempt before, while both may yet be answered. */
  #rival: Attempt | undefined

  constructor (parts: EngineParts, request: ClientRequest, wantsTunnel: boolean) {
    super(parts, request, wantsTunnel)
    this.#parts = parts
    this.#wantsTunnel = wantsTunnel
  }

  override attemptHead (attempt: Attempt, head: ResponseHead, nowMs: number): void {
    if (this.#rival !== undefined) {
      if (this.#parts.retries.isUnwanted(head.statusCode)) return this.#dropOut(attempt, head)
      this.#winRace(attempt)
    }
    super.attemptHead(attempt, head, nowMs)
  }

  override attemptFailed (attempt: Attempt, failure: Failure): void {
    if (this.#rival === undefined) super.attemptFailed(attempt, failure)
    else this.#loseRace(attempt, failure)
  }

  protected override abortAttempts (): void {
    this.#rival?.abort()
    this.#rival = undefined
    super.abortAttempts()
  }

  /** Has a second attempt follow if the first one is not answered in time. A client that keeps to its backend is not sent elsewhere for that. */
  protected override prepareRival (): void {
    const delayMs = this.#parts.hedging?.delayMs
    if (delayMs !== undefined && this.#mayRace && !this.isStuck) this.later(Math.max(1, delayMs), () => this.#sendRival())
  }

  /** How long others take says nothing of those that only ask. */
  protected override noteLatency (ms: number): void {
    const { hedging } = this.#parts
    if (hedging !== undefined && this.#mayRace) hedging.note(ms)
  }

  /** Whether the request may be at two backends at once. */
  get #mayRace (): boolean {
    return !this.#wantsTunnel && !this.hasBody && HEDGED.has(this.request.raw.method ?? '')
  }

  #sendRival (): void {
    const { pool, retries, observer, carriers } = this.#parts
    const first = this.current
    if (this.isOver || first === undefined) return
    const { tried } = this
    const besides = withTried(tried, first.backend)
    if (!pool.hasLeft(besides) || !retries.payForRival(this)) return
    this.tried = besides
    const backend = this.nextBackend()
    this.tried = tried
    if (backend === undefined) return retries.giveBack()
    const nowMs = this.#parts.nowMs()
    const carrier = carriers[backend.slot]?.take(nowMs, true)
    if (carrier === undefined) {
      retries.giveBack()
      return pool.ended(backend, NaN, RESULT_UNKNOWN)
    }
    this.attempts++
    pool.counters.retried(backend.slot)
    this.#rival = first
    const attempt = new Attempt(this, backend, carrier, this.#parts, nowMs)
    this.current = attempt
    observer.hedged(this, backend)
    attempt.send(this.upstreamRequest())
  }

  /** The first that is answered is the one. */
  #winRace (winner: Attempt): void {
    const loser = winner === this.current ? this.#rival : this.current
    this.#rival = undefined
    this.current = winner
    this.backend = winner.backend
    if (loser === undefined) return
    loser.abort()
    this.explanation?.noteAttempt(loser.backend.url, OVERTAKEN)
  }

  /** One of two has failed: the other one is waited for. */
  #loseRace (loser: Attempt, failure: Failure): void {
    const { observer, pool } = this.#parts
    this.explanation?.noteAttempt(loser.backend.url, failure.error.code)
    this.backend = loser.backend
    observer.attemptFailed(this, failure, 'other-attempt')
    if (loser.blames(failure)) pool.counters.attemptFailed(loser.backend.slot)
    this.#leave(loser)
  }

  /** The answer of one of two is not wanted: the other one is waited for. */
  #dropOut (loser: Attempt, { statusCode }: ResponseHead): void {
    this.explanation?.noteAttempt(loser.backend.url, statusCode)
    this.backend = loser.backend
    this.#parts.observer.answerRefused(this, statusCode, undefined)
    loser.reject()
    this.#leave(loser)
  }

  #leave (loser: Attempt): void {
    const other = loser === this.current ? this.#rival : this.current
    this.#rival = undefined
    this.current = other
    this.backend = other?.backend
    this.exclude(loser.backend)
  }
}
