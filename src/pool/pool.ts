/** A pool: a named set of backends with one policy. Availability is worked out when health changes, never when a request comes. */
import { Backend, type BackendStatus } from './backend.ts'
import { Counters } from './counters.ts'
import { Gate } from './gate.ts'
import { RoundRobin } from './policies/round-robin.ts'
import type { PickContext, Policy } from './policy.ts'

export interface PoolOptions {
  readonly name: string
  /** Origins of the backends, each once. */
  readonly urls: readonly string[]
  /** Now, in ms since the epoch. */
  readonly nowMs: number
  /** Default: counters of its own, for one thread. */
  readonly counters?: Counters
}

/** What `GET /-/status` says of a pool. */
export interface PoolStatus {
  readonly name: string
  readonly policy: string
  readonly backends: readonly BackendStatus[]
}

export class Pool {
  readonly name: string
  readonly policy: Policy
  readonly backends: readonly Backend[]
  readonly counters: Counters
  /** Closed from the moment the gateway listens until the first round of probes has ended. */
  readonly gate = new Gate()
  #available: readonly Backend[] = []

  constructor ({ name, urls, nowMs, counters = new Counters({ capacity: urls.length }) }: PoolOptions) {
    counters.assertRoomFor(urls.length)
    this.name = name
    this.counters = counters
    this.backends = urls.map((url, slot) => new Backend(url, slot, counters, nowMs))
    this.policy = new RoundRobin(counters)
    this.#rebuild()
  }

  /** The backends that may be picked, in the pool's order. */
  get available (): readonly Backend[] {
    return this.#available
  }

  /** A backend for the next attempt, or undefined if none is left. */
  pick (context: PickContext): Backend | undefined {
    return this.policy.pick(context)
  }

  /** Takes a verdict on a backend's health; true if it is news. */
  judge (backend: Backend, healthy: boolean, reason: string, nowMs: number): boolean {
    if (backend.judged && backend.healthy === healthy) return false
    backend.judged = true
    backend.healthy = healthy
    backend.reason = reason
    backend.sinceMs = nowMs
    this.#rebuild()
    return true
  }

  status (): PoolStatus {
    return { name: this.name, policy: this.policy.name, backends: this.backends.map((backend) => backend.status()) }
  }

  #rebuild (): void {
    const available: Backend[] = []
    for (const backend of this.backends) {
      backend.position = backend.available ? available.push(backend) - 1 : -1
    }
    this.#available = available
    this.policy.rebuild(available)
  }
}
