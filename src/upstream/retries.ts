/**
 * Whether, where and when a request is tried again: what may be done at all (src/upstream/retry.ts), what the settings ask for, and what
 * the pool's budget has left. What never reached a backend goes elsewhere in any case: it is no load for anybody.
 */
import type { FieldList } from '../wire/fields.ts'
import { decideRetry, type FailedAttempt, isIdempotent, type RetryDecision } from './retry.ts'
import { retryAfterMs } from './retry-after.ts'
import type { RetryBudget } from './retry-budget.ts'

export interface RetryRules {
  /** Statuses of answers in place of which another backend is asked. */
  readonly statuses: readonly number[]
  /** Most attempts for a request, the first included; 0: as many as there are backends. One that met a closed connection has another one in any case. */
  readonly maxAttempts: number
  /** Time from the first attempt on in which others may begin, in ms; 0: any. */
  readonly timeoutMs: number
  /** The longest wait before the first retry of what a backend had, in ms; it doubles with each further one. 0: none. */
  readonly backoffMs: number
  /** As long as this a backend that answers Retry-After is waited for, if no other is left, in ms; 0: not at all. */
  readonly retryAfterMaxMs: number
  /** Whether a request with an Idempotency-Key may be sent twice, whatever its method. */
  readonly honoursIdempotencyKey: boolean
}

export interface RetriesOptions {
  readonly rules: RetryRules
  readonly budget: RetryBudget
  /** From 0 (included) to 1 (not included). */
  readonly random: () => number
  /** Now, in ms since the epoch: what Retry-After and the budget of all threads go by. */
  readonly wallClockMs: () => number
}

/** What has been done for a request so far. */
export interface History {
  /** Whether a backend is left that was not tried, even if it has to be waited for. */
  readonly isAnyLeft: boolean
  /** Attempts made. */
  readonly attempts: number
  /** Time since the first one began, in ms. */
  readonly sinceFirstMs: number
}

const IDEMPOTENCY_KEY = 'idempotency-key'

const MAX_STATUS = 999

/** The longest wait between two attempts, in multiples of the first. */
const MAX_BACKOFF_FACTOR = 32

/** The longest delay that a timer can hold, in ms. */
const MAX_TIMER_MS = 2_147_483_647

export class Retries {
  readonly #options: RetriesOptions
  /** By status: whether another backend is asked. */
  readonly #isUnwanted = new Uint8Array(MAX_STATUS + 1)

  constructor (options: RetriesOptions) {
    this.#options = options
    for (const status of options.rules.statuses) this.#isUnwanted[status] = 1
  }

  /** Whether another backend's answer is preferred to one with this status. */
  isUnwanted (status: number): boolean {
    return this.#isUnwanted[status] === 1
  }

  /**
   * Whether a request may be carried out twice. `fields` are those that go to the backend: by a key that ends here, because Connection
   * names it, no backend can tell a request that it has had.
   */
  mayRepeat (method: string, fields: FieldList): boolean {
    return isIdempotent(method) || (this.#options.rules.honoursIdempotencyKey && hasIdempotencyKey(fields))
  }

  /** What follows a failed attempt, `delayMs` later. If that is a retry of what a backend had, the budget has paid for it. */
  decide (failed: FailedAttempt, history: History, delayMs = 0): RetryDecision {
    const decision = decideRetry(failed)
    // A connection that the backend has closed as it was used says that the backend is not at it: to ask again costs it nothing more.
    if (decision === 'same-backend') return this.isInTime(history, delayMs) ? decision : 'no'
    if (decision === 'no' || !history.isAnyLeft || !this.#mayFollow(history, delayMs)) return 'no'
    return !failed.sent || this.#takeFromBudget() ? decision : 'no'
  }

  /** Gives back what was paid for a retry that has been of use, or was not made. */
  giveBack (): void {
    this.#options.budget.giveBack(this.#options.wallClockMs())
  }

  /** Pays for an attempt beside one that is under way; false if there may be none, or nothing is left. */
  payForRival (history: History): boolean {
    return this.#mayFollow(history, 0) && this.#takeFromBudget()
  }

  /**
   * How long to wait before the next attempt, in ms: anything from 0 to a bound that doubles each time ("full jitter", as in Amazon's
   * Builders' Library, "Timeouts, retries, and backoff with jitter"), and no longer than others may begin.
   */
  backoffMs ({ attempts, sinceFirstMs }: History): number {
    const { rules: { backoffMs, timeoutMs }, random } = this.#options
    if (backoffMs === 0) return 0
    const ms = random() * Math.min(MAX_TIMER_MS, backoffMs * Math.min(MAX_BACKOFF_FACTOR, 2 ** (attempts - 1)))
    return timeoutMs === 0 ? ms : Math.min(ms, Math.max(0, timeoutMs - sinceFirstMs))
  }

  /** How long a backend is waited for that answered with this Retry-After, in ms; undefined: it is not waited for. */
  waitMs (retryAfter: string | undefined): number | undefined {
    const { rules: { retryAfterMaxMs }, wallClockMs } = this.#options
    const ms = retryAfter === undefined ? undefined : retryAfterMs(retryAfter, wallClockMs())
    return ms !== undefined && ms <= retryAfterMaxMs && retryAfterMaxMs > 0 ? ms : undefined
  }

  /** Whether it is not too late for another attempt `delayMs` from now. */
  isInTime ({ sinceFirstMs }: Pick<History, 'sinceFirstMs'>, delayMs = 0): boolean {
    const { timeoutMs } = this.#options.rules
    return timeoutMs === 0 || sinceFirstMs + delayMs < timeoutMs
  }

  /** Whether another attempt may begin `delayMs` from now. */
  #mayFollow (history: History, delayMs: number): boolean {
    const { maxAttempts } = this.#options.rules
    return (maxAttempts === 0 || history.attempts < maxAttempts) && this.isInTime(history, delayMs)
  }

  #takeFromBudget (): boolean {
    return this.#options.budget.take(this.#options.wallClockMs())
  }
}

/** Whether there is one key: by an empty one, or two, backends go each in its own way. */
function hasIdempotencyKey (fields: FieldList): boolean {
  const keys = fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === IDEMPOTENCY_KEY)
  return keys.length === 1 && keys[0]?.trim() !== ''
}
