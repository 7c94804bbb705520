/** The forwarding engine: what all exchanges share, made once and closed once. */
import type { Pool } from '../pool/pool.ts'
import type { ClientRequest } from './client-side.ts'
import { Connections } from './connections.ts'
import type { EngineParts, ExchangeObserver } from './engine-parts.ts'
import { Exchange } from './exchange.ts'
import { TimeoutQueue } from './timeout-queue.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

export interface EngineOptions {
  readonly pool: Pool
  /** Time for a connection to open, in ms. */
  readonly connectTimeoutMs: number
  /** Time from the request's last byte sent to the head of the answer, in ms. */
  readonly headersTimeoutMs: number
  /** Silence allowed within an answer, in ms. */
  readonly idleTimeoutMs: number
  readonly observer: ExchangeObserver
}

export class Engine {
  readonly #parts: EngineParts

  constructor ({ pool, connectTimeoutMs, headersTimeoutMs, idleTimeoutMs, observer }: EngineOptions) {
    const nowMs = (): number => performance.now()
    this.#parts = {
      pool,
      connections: pool.backends.map((backend) => new Connections(backend.url, connectTimeoutMs)),
      headersTimeouts: new TimeoutQueue(headersTimeoutMs, nowMs),
      idleTimeouts: new TimeoutQueue(idleTimeoutMs, nowMs),
      observer,
      nowMs
    }
  }

  /** Upstream connections there are, in use or not. */
  get connectionCount (): number {
    return this.#parts.connections.reduce((sum, connections) => sum + connections.size, 0)
  }

  /** An exchange for a request; `resolve` and `start` carry it out. */
  exchange (request: ClientRequest, upgrade?: UpgradeRequest): Exchange {
    return new Exchange(this.#parts, request, upgrade)
  }

  /** Ends every upstream connection. Requests in flight should have finished by then. */
  close (): void {
    for (const connections of this.#parts.connections) connections.close()
    this.#parts.headersTimeouts.close()
    this.#parts.idleTimeouts.close()
  }
}
