/** Which backends a request goes to, one after the other: what the pool is asked with, and what it has said so far. */
import type { ClientRequest } from '../client/client-side.ts'
import { BackendsFullError, NoBackendAvailableError } from '../errors.ts'
import type { Backend } from '../pool/backend.ts'
import type { PickContext } from '../pool/policy.ts'
import type { Pool } from '../pool/pool.ts'
import type { Explanation } from './explanation.ts'
import { withRetryAfter } from './failure.ts'
import type { Sticky } from './sticky.ts'
import { NOTHING_TRIED, withTried } from './tried.ts'

/** What a request is keyed by: a hash of it, see `PickContext.keyHash`. */
export type RequestKey = (request: ClientRequest) => number

export interface SelectionParts {
  readonly pool: Pool
  readonly requestKey: RequestKey
  /** Where clients are kept to their backends; undefined: nowhere. */
  readonly sticky: Sticky | undefined
  /** An empty explanation for requests that are to be explained; undefined: none is. */
  readonly explains?: ((request: ClientRequest) => Explanation | undefined) | undefined
}

/** No hash: it is not negative. */
const NOT_YET = -1

export class Selection implements PickContext {
  readonly request: ClientRequest
  /** Backends that failed, in the pool's order. */
  tried: readonly Backend[] = NOTHING_TRIED
  /** Written as the request goes its way, if it is to be explained. */
  readonly explanation: Explanation | undefined
  /** Whether the client's cookie has chosen a backend. */
  protected isStuck = false
  readonly #parts: SelectionParts
  #picked: Backend | undefined
  #keyHash = NOT_YET

  constructor (parts: SelectionParts, request: ClientRequest) {
    this.#parts = parts
    this.request = request
    this.explanation = parts.explains?.(request)
  }

  get keyHash (): number {
    if (this.#keyHash === NOT_YET) this.#keyHash = this.#parts.requestKey(this.request)
    return this.#keyHash
  }

  /** Picks the backend of the first attempt; its URL, or '' while the gate holds requests back, or all are full. Throws if there is none. */
  resolve (): string {
    const { pool } = this.#parts
    if (!pool.gate.isOpen) return ''
    this.#picked = this.#pick()
    if (this.#picked === undefined && !this.mayWait) throw this.nobodyLeft()
    return this.#picked?.url ?? ''
  }

  /** The backend of the next attempt, which is in flight from here on; undefined if nobody is left. */
  protected nextBackend (): Backend | undefined {
    const { pool } = this.#parts
    const { tried } = this
    let backend = this.#takePicked() ?? this.#pick()
    while (backend !== undefined && !pool.begin(backend)) {
      this.exclude(backend)
      backend = this.#pick()
    }
    // What is full now need not be so for the next attempt.
    this.tried = tried
    return backend
  }

  /** Whether a backend that was not tried is left, but full. */
  protected get mayWait (): boolean {
    return this.#parts.pool.isFullBesides(this.tried)
  }

  /** Has the next picks leave a backend out. */
  protected exclude (backend: Backend): void {
    this.tried = withTried(this.tried, backend)
  }

  /** What the client is told if no attempt could be made. */
  protected nobodyLeft (): Error {
    return this.mayWait ? this.full() : new NoBackendAvailableError(this.#parts.pool.name)
  }

  /** What it is told if there is no room, and none to wait either. */
  protected full (): Error {
    return withRetryAfter(new BackendsFullError(this.#parts.pool.name))
  }

  #pick (): Backend | undefined {
    const { pool, sticky } = this.#parts
    const stuck = sticky?.backendOf(this.request)
    const isStuck = stuck !== undefined && pool.mayPick(stuck) && !this.tried.includes(stuck)
    this.isStuck = isStuck
    if (this.explanation !== undefined) return this.explanation.notePick(pool, this, isStuck ? 'sticky' : 'policy', () => isStuck ? stuck : pool.pick(this))
    return isStuck ? stuck : pool.pick(this)
  }

  /** The backend that `resolve` picked, unless it has gone out of service since. */
  #takePicked (): Backend | undefined {
    const picked = this.#picked
    this.#picked = undefined
    return picked !== undefined && this.#parts.pool.mayPick(picked) ? picked : undefined
  }
}
