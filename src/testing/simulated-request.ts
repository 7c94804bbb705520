/** A request on its way through a simulated gateway: the attempts are the real ones, what becomes of the answer is noted. */
import type { ClientRequest } from '../client/client-side.ts'
import { RequestTimeoutError } from '../errors.ts'
import { Deadline } from '../timing/deadline.ts'
import type { Attempt } from '../upstream/attempt.ts'
import { OWN_REQUEST, type UpstreamRequest } from '../upstream/carrier.ts'
import type { EngineParts } from '../upstream/engine-parts.ts'
import { HedgedAttempts } from '../upstream/hedged-attempts.ts'
import type { ResponseHead } from '../wire/response-head.ts'

/** Told once, when a request is over. */
export type RequestEnd = (request: SimulatedRequest) => void

/** Of a request whose client left, as nginx logs it. */
const STATUS_CLIENT_GONE = 499

const CLIENT_GONE = 'CLIENT_GONE'

export class SimulatedRequest extends HedgedAttempts {
  /** What the client was answered; 0 as long as it was not. */
  status = 0
  /** The code of the error of ours that it was answered with, or CLIENT_GONE; '' for an answer of a backend. */
  code = ''
  readonly waitsForClient = false
  protected readonly canReplay = true
  protected readonly hasBody = false
  /** Answers come whole: nothing of one goes out before all of it is there. */
  protected readonly hasBegun = false
  readonly #upstream: UpstreamRequest
  readonly #onEnd: RequestEnd
  readonly #deadline: Deadline | undefined

  constructor (parts: EngineParts, request: ClientRequest, onEnd: RequestEnd) {
    super(parts, request, false)
    this.#upstream = { ...OWN_REQUEST, method: request.raw.method ?? 'GET', target: request.head.target, body: null }
    this.#onEnd = onEnd
    const { requestTimeouts } = parts
    if (requestTimeouts !== undefined) this.#deadline = Deadline.started(requestTimeouts, (timeoutMs) => this.#tookTooLong(timeoutMs))
  }

  /** Whether nothing more will come of it. */
  get isEnded (): boolean {
    return this.isOver
  }

  /** Whether the client got what it wanted. */
  get isGood (): boolean {
    return this.status < 500 && this.code === ''
  }

  /** Does what the gateway does when a request has come. */
  start (): void {
    try {
      this.resolve()
    } catch (error) {
      return this.gaveUp(error instanceof Error ? error : new Error(String(error)))
    }
    this.enter()
  }

  /** The client does not wait any longer. */
  leave (): void {
    if (this.isOver) return
    this.abortAttempts()
    this.#ends(STATUS_CLIENT_GONE, CLIENT_GONE)
  }

  attemptSent (): void {}

  attemptInformation (): void {}

  attemptData (): void {}

  attemptGoesOn (): void {}

  attemptUpgraded (attempt: Attempt): void {
    attempt.abort()
  }

  protected upstreamRequest (): UpstreamRequest {
    return this.#upstream
  }

  protected forgetAnswer (): void {
    this.status = 0
  }

  protected answerComes (_attempt: Attempt, { statusCode }: ResponseHead): undefined {
    this.status = statusCode
  }

  protected answerDone (): void {
    this.#ends(this.status, '')
  }

  protected gaveUp (error: Error): void {
    this.#ends('statusCode' in error ? Number(error.statusCode) : 500, 'code' in error ? String(error.code) : error.message)
  }

  #tookTooLong (timeoutMs: number): void {
    if (this.isOver) return
    this.abortAttempts()
    this.gaveUp(new RequestTimeoutError(timeoutMs))
  }

  #ends (status: number, code: string): void {
    this.isOver = true
    this.#deadline?.clear()
    this.status = status
    this.code = code
    this.#onEnd(this)
  }
}
