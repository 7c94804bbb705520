/** What all exchanges of an engine share. */
import type { Backend } from '../pool/backend.ts'
import type { FieldList } from '../wire/fields.ts'
import type { After, TimeoutQueue } from '../timing/timeout-queue.ts'
import type { Attempts } from './attempts.ts'
import type { Carriers } from './carrier.ts'
import type { Exchange } from './exchange.ts'
import type { Failure } from './failure.ts'
import type { Hedging } from './hedging.ts'
import type { RequestQueue } from './request-queue.ts'
import type { Retries } from './retries.ts'
import type { FailureConsequence } from './retry.ts'
import type { SelectionParts } from './selection.ts'

/** How an exchange ended that Fastify does not see end. */
export type UnseenEnd = 'client gone' | 'answer cut' | 'tunnel closed'

/** Who is told what happens to exchanges, for logs and metrics. */
export interface ExchangeObserver {
  /** An attempt failed; `decision` says what follows. */
  attemptFailed (attempts: Attempts, failure: Failure, decision: FailureConsequence): void
  /** Another backend is asked in place of passing on an answer with this status; `waitMs`: the same one again, after that time. */
  answerRefused (attempts: Attempts, status: number, waitMs: number | undefined): void
  /** A second attempt was sent to `backend` while the first one may yet be answered. */
  hedged (attempts: Attempts, backend: Backend): void
  /** The client did what it may not, and its answer is cut for it. */
  clientFailed (exchange: Exchange, error: Error): void
  /** The exchange is over without a whole answer given to the client, or was a tunnel. `status` is for the access log. */
  endedUnseen (exchange: Exchange, end: UnseenEnd, status: number): void
}

export interface EngineParts extends SelectionParts {
  /** By the slot of the backend. */
  readonly carriers: readonly Carriers[]
  readonly retries: Retries
  /** Where requests wait while all backends are full; undefined: nowhere. */
  readonly requestQueue: RequestQueue | undefined
  /** Where a second attempt follows a slow one; undefined: nowhere. */
  readonly hedging: Hedging | undefined
  /** An attempt, from its start to the head of the answer; undefined: any time it takes. */
  readonly attemptTimeouts: TimeoutQueue | undefined
  /** From the request's last byte sent to the head of the answer. */
  readonly headersTimeouts: TimeoutQueue
  /** Silence within an answer. */
  readonly idleTimeouts: TimeoutQueue
  /** The client's silence within its body. */
  readonly bodyTimeouts: TimeoutQueue
  /** The client's taking nothing of its answer. */
  readonly sendTimeouts: TimeoutQueue
  /** A whole exchange; undefined: any time it takes. */
  readonly requestTimeouts: TimeoutQueue | undefined
  /** Silence in both directions of a tunnel. */
  readonly tunnelTimeouts: TimeoutQueue
  /** How long a backend is given to ask for a body that waits to be asked for. */
  readonly continueTimeouts: TimeoutQueue
  /** The trailers of a request that go on; throws one of our errors if there are too many. */
  readonly readTrailers: (trailers: readonly string[]) => FieldList
  /** The largest body of a request, in bytes; 0: any. */
  readonly maxBodyBytes: number
  readonly observer: ExchangeObserver
  /** A monotonic clock, in ms. */
  readonly nowMs: () => number
  /** Calls back after so many ms; returns the function that prevents it. */
  readonly after: After
}
