/** The forwarding engine: what all exchanges share, made once and closed once. */
import type { ClientRequest } from '../client/client-side.ts'
import type { UpgradeRequest } from '../client/upgrade-request.ts'
import { HeadTooLargeError } from '../errors.ts'
import type { Gauges } from '../pool/gauges.ts'
import type { Pool } from '../pool/pool.ts'
import { processAfter, TimeoutQueue } from '../timing/timeout-queue.ts'
import type { FieldList } from '../wire/fields.ts'
import { relayedTrailers, withoutUnderscores } from '../wire/trailers.ts'
import { backendAddress } from './backend-address.ts'
import { carriersTo } from './carriers.ts'
import type { EngineParts, ExchangeObserver } from './engine-parts.ts'
import { Exchange } from './exchange.ts'
import { Hedging } from './hedging.ts'
import { RequestQueue } from './request-queue.ts'
import { Retries, type RetryRules } from './retries.ts'
import { RetryBudget } from './retry-budget.ts'
import type { RequestKey } from './selection.ts'
import type { Sticky } from './sticky.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** How long a backend has to ask for a body that waits to be asked for (Expect), in ms; then the gateway asks, as curl would go on by itself. */
const CONTINUE_TIMEOUT_MS = 1_000

/** As the budget wants it. */
const BUDGET_NOTE_INTERVAL_MS = 1_000

/** Times in ms. */
export interface EngineTimeouts {
  /** For an attempt, from its start to the head of the answer; 0: any time it takes. */
  readonly attemptMs: number
  /** For a connection to open. */
  readonly connectMs: number
  /** From the request's last byte sent to the head of the answer. */
  readonly headersMs: number
  /** Silence allowed within an answer. */
  readonly idleMs: number
  /** The client's silence within its body. */
  readonly clientBodyMs: number
  /** The client's taking nothing of its answer. */
  readonly clientSendMs: number
  /** A whole exchange; 0: any time it takes. */
  readonly requestMs: number
  /** Silence in both directions of a tunnel. */
  readonly tunnelIdleMs: number
}

/** What a request may hold at most. */
export interface RequestLimits {
  /** Bytes of the body; 0: any. */
  readonly maxBodyBytes: number
  /** Fields behind the body, and their bytes. */
  readonly maxTrailers: number
  readonly maxTrailerBytes: number
  /** Whether names with an underscore go on. */
  readonly underscores: 'drop' | 'pass'
}

/** How often, and with what, requests are tried again. */
export interface RetryOptions {
  readonly rules: RetryRules
  /** Retries as a share of the requests, 0 to 1. */
  readonly budgetRatio: number
  /** Retries a second that are allowed in any case. */
  readonly budgetMinPerSecond: number
  /** The memory of another thread's budget; default: new memory. */
  readonly budgetMemory?: SharedArrayBuffer | undefined
  /** Whether slow requests are sent to a second backend. */
  readonly hedges: boolean
}

/** Where requests wait while all backends are full. */
export interface QueueOptions {
  /** How many may wait, over all threads; 0: none. */
  readonly maxWaiting: number
  /** How long, in ms. */
  readonly timeoutMs: number
  /** The gateway's. */
  readonly gauges: Gauges
}

export interface EngineOptions {
  readonly pool: Pool
  readonly retry: RetryOptions
  readonly queue: QueueOptions
  readonly requestKey: RequestKey
  readonly sticky: Sticky | undefined
  /** An empty explanation for requests that are to be explained; undefined: none is. */
  readonly explains: EngineParts['explains']
  readonly timeouts: EngineTimeouts
  readonly tls: UpstreamTls
  readonly limits: RequestLimits
  readonly observer: ExchangeObserver
}

export class Engine {
  readonly #parts: EngineParts
  readonly #queues: TimeoutQueue[] = []
  readonly #budget: RetryBudget
  readonly #ticks: NodeJS.Timeout

  constructor ({ pool, retry, queue, requestKey, sticky, explains, timeouts, tls, limits, observer }: EngineOptions) {
    const socketOptions = { connectTimeoutMs: timeouts.connectMs, tls }
    this.#budget = new RetryBudget({
      ratio: retry.budgetRatio,
      minPerSecond: retry.budgetMinPerSecond,
      attempts: () => pool.counters.allRequests,
      ...(retry.budgetMemory !== undefined && { memory: retry.budgetMemory })
    })
    this.#ticks = setInterval(() => this.#budget.note(), BUDGET_NOTE_INTERVAL_MS).unref()
    this.#parts = {
      pool,
      retries: new Retries({ rules: retry.rules, budget: this.#budget, random: Math.random, wallClockMs: Date.now }),
      requestQueue: queue.maxWaiting === 0 ? undefined : new RequestQueue({
        gauges: queue.gauges,
        maxWaiting: queue.maxWaiting,
        timeouts: this.#queue(queue.timeoutMs),
        hasRoom: () => pool.available.length > 0,
        after: processAfter
      }),
      hedging: retry.hedges ? new Hedging() : undefined,
      attemptTimeouts: timeouts.attemptMs === 0 ? undefined : this.#queue(timeouts.attemptMs),
      after: processAfter,
      requestKey,
      sticky,
      explains,
      carriers: pool.backends.map(({ url }) => carriersTo(backendAddress(url), socketOptions)),
      headersTimeouts: this.#queue(timeouts.headersMs),
      idleTimeouts: this.#queue(timeouts.idleMs),
      bodyTimeouts: this.#queue(timeouts.clientBodyMs),
      sendTimeouts: this.#queue(timeouts.clientSendMs),
      requestTimeouts: timeouts.requestMs === 0 ? undefined : this.#queue(timeouts.requestMs),
      tunnelTimeouts: this.#queue(timeouts.tunnelIdleMs),
      continueTimeouts: this.#queue(CONTINUE_TIMEOUT_MS),
      maxBodyBytes: limits.maxBodyBytes,
      readTrailers: (trailers) => checkedTrailers(trailers, limits),
      observer,
      nowMs: monotonicMs
    }
  }

  /** Upstream connections there are, in use or not. */
  get connectionCount (): number {
    return this.#parts.carriers.reduce((sum, carriers) => sum + carriers.size, 0)
  }

  /** An exchange for a request; `resolve` and `start` carry it out. */
  exchange (request: ClientRequest, upgrade?: UpgradeRequest): Exchange {
    return new Exchange(this.#parts, request, upgrade)
  }

  /** Ends every upstream connection. Requests in flight should have finished by then. */
  close (): void {
    clearInterval(this.#ticks)
    // First: what ends below makes room, but not for anybody any more.
    this.#parts.requestQueue?.close()
    for (const carriers of this.#parts.carriers) carriers.close()
    for (const queue of this.#queues) queue.close()
  }

  #queue (timeoutMs: number): TimeoutQueue {
    const queue = new TimeoutQueue(timeoutMs, monotonicMs)
    this.#queues.push(queue)
    return queue
  }
}

function checkedTrailers (trailers: readonly string[], { maxTrailers, maxTrailerBytes, underscores }: RequestLimits): FieldList {
  if (trailers.length > 2 * maxTrailers) throw new HeadTooLargeError('MAX_HEADERS')
  const bytes = trailers.reduce((sum, text) => sum + text.length, 0)
  if (bytes > maxTrailerBytes) throw new HeadTooLargeError('MAX_HEADER_BYTES')
  const relayed = relayedTrailers(trailers)
  return underscores === 'pass' ? relayed : withoutUnderscores(relayed)
}

function monotonicMs (): number {
  return performance.now()
}
