/** What all exchanges of an engine share. */
import type { FieldList } from '../wire/fields.ts'
import type { TimeoutQueue } from '../timing/timeout-queue.ts'
import type { Carriers } from './carrier.ts'
import type { Exchange } from './exchange.ts'
import type { Failure } from './failure.ts'
import type { RetryDecision } from './retry.ts'
import type { SelectionParts } from './selection.ts'

/** How an exchange ended that Fastify does not see end. */
export type UnseenEnd = 'client gone' | 'answer cut' | 'tunnel closed'

/** Who is told what happens to exchanges, for logs and metrics. */
export interface ExchangeObserver {
  /** An attempt failed; `decision` says what follows. */
  attemptFailed (exchange: Exchange, failure: Failure, decision: RetryDecision): void
  /** The client did what it may not, and its answer is cut for it. */
  clientFailed (exchange: Exchange, error: Error): void
  /** The exchange is over without a whole answer given to the client, or was a tunnel. `status` is for the access log. */
  endedUnseen (exchange: Exchange, end: UnseenEnd, status: number): void
}

export interface EngineParts extends SelectionParts {
  /** By the slot of the backend. */
  readonly carriers: readonly Carriers[]
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
}
