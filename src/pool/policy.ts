/** What every balancing policy is. */
import type { Backend } from './backend.ts'
import type { Counters } from './counters.ts'

/** What a policy may look at when it picks for a request. */
export interface PickContext {
  /** Backends that this request has tried in vain, or found full, in the pool's order; they are not picked again. */
  readonly tried: readonly Backend[]
  /**
   * The hash of what the pool is keyed by (HASH_KEY), a whole number from 0 to 2^32 - 1; a random one where the request has no such
   * thing. The same for every attempt of a request. Worked out when it is first read: policies that do not read it do not pay for it.
   */
  readonly keyHash: number
}

export interface Policy {
  /** As it stands in configuration, status and metrics. */
  readonly name: string
  /** For `explain`: how it chooses, and what breaks a tie. */
  readonly rule?: string
  /**
   * Called each time the backends that may be picked, their weights or the members change.
   *
   * `active`: those to pick from, in the pool's order. The `position` of a backend is its index there; one that is not among them has
   * a position of -1, or beyond the end. `members`: all backends of the pool, available or not, in its order: the same array as long as
   * neither they nor their configured weights change, so that what is expensive to make can be made of them and kept.
   */
  rebuild (active: readonly Backend[], members: readonly Backend[]): void
  /** Picks an active backend that was not tried, or undefined if there is none. Constant or logarithmic time, no allocation. */
  pick (context: PickContext): Backend | undefined
  /** An attempt of this thread was sent to a backend, active or not; its in-flight counts it already. */
  attemptStarted? (backend: Backend): void
  /**
   * That attempt is over; in-flight does not count it any more. `latencyMs`: from its start to the head of the answer; NaN if
   * there was none, because it failed or was given up.
   */
  attemptEnded? (backend: Backend, latencyMs: number, result: AttemptResult): void
  /**
   * For `explain`: what the policy would weigh a backend by if it picked now, by name, such as `{ inFlight: 3, weight: 2 }`. Not on the path
   * of a request.
   */
  scores? (backend: Backend, context: PickContext): Readonly<Record<string, number>>
}

/** How an attempt ended that has no status: through the backend's fault, or because it was given up, which says nothing of the backend. */
export const RESULT_FAILED = -1
export const RESULT_UNKNOWN = 0

/** The status of an answer that began a tunnel. Such an attempt ends with it when the tunnel is closed, in whichever way. */
export const SWITCHED = 101

/** The status of a whole answer, RESULT_FAILED or RESULT_UNKNOWN. */
export type AttemptResult = number

/** What a policy is made of. It has no clock and no randomness of its own. */
export interface PolicyParts {
  /** The pool's counters: cursors and in-flight, exact over all threads. */
  readonly counters: Counters
  /** From 0 (included) to 1 (not included). */
  readonly random: () => number
  /** A monotonic clock, in ms. */
  readonly nowMs: () => number
}

/** Makes a policy for a pool. Called once a pool in each thread that picks. */
export type PolicyFactory = (parts: PolicyParts) => Policy
