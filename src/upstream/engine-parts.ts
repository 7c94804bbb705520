/** What all exchanges of an engine share. */
import type { Pool } from '../pool/pool.ts'
import type { Connections } from './connections.ts'
import type { Exchange } from './exchange.ts'
import type { Failure } from './failure.ts'
import type { RetryDecision } from './retry.ts'
import type { TimeoutQueue } from './timeout-queue.ts'

/** How an exchange ended that Fastify does not see end. */
export type UnseenEnd = 'client gone' | 'answer cut' | 'tunnel closed'

/** Who is told what happens to exchanges, for logs and metrics. */
export interface ExchangeObserver {
  /** An attempt failed; `decision` says what follows. */
  attemptFailed (exchange: Exchange, failure: Failure, decision: RetryDecision): void
  /** The exchange is over without a whole answer given to the client, or was a tunnel. `status` is for the access log. */
  endedUnseen (exchange: Exchange, end: UnseenEnd, status: number): void
}

export interface EngineParts {
  readonly pool: Pool
  /** By the slot of the backend. */
  readonly connections: readonly Connections[]
  readonly headersTimeouts: TimeoutQueue
  readonly idleTimeouts: TimeoutQueue
  readonly observer: ExchangeObserver
  /** A monotonic clock, in ms. */
  readonly nowMs: () => number
}
