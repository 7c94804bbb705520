/** The forwarding engine: what all exchanges share, made once and closed once. */
import type { ClientRequest } from '../client/client-side.ts'
import type { UpgradeRequest } from '../client/upgrade-request.ts'
import { HeadTooLargeError } from '../errors.ts'
import type { Pool } from '../pool/pool.ts'
import { TimeoutQueue } from '../timing/timeout-queue.ts'
import type { FieldList } from '../wire/fields.ts'
import { relayedTrailers, withoutUnderscores } from '../wire/trailers.ts'
import { backendAddress } from './backend-address.ts'
import { carriersTo } from './carriers.ts'
import type { EngineParts, ExchangeObserver } from './engine-parts.ts'
import { Exchange } from './exchange.ts'
import type { RequestKey } from './selection.ts'
import type { Sticky } from './sticky.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** How long a backend has to ask for a body that waits to be asked for (Expect), in ms; then the gateway asks, as curl would go on by itself. */
const CONTINUE_TIMEOUT_MS = 1_000

/** Times in ms. */
export interface EngineTimeouts {
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

export interface EngineOptions {
  readonly pool: Pool
  readonly requestKey: RequestKey
  readonly sticky: Sticky | undefined
  readonly timeouts: EngineTimeouts
  readonly tls: UpstreamTls
  readonly limits: RequestLimits
  readonly observer: ExchangeObserver
}

export class Engine {
  readonly #parts: EngineParts
  readonly #queues: TimeoutQueue[] = []

  constructor ({ pool, requestKey, sticky, timeouts, tls, limits, observer }: EngineOptions) {
    const socketOptions = { connectTimeoutMs: timeouts.connectMs, tls }
    this.#parts = {
      pool,
      requestKey,
      sticky,
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
