/** A pool: a named set of backends with one policy. Availability is worked out when it changes, never when a request comes. */
import { Backend, type BackendStatus } from './backend.ts'
import { Board } from './board.ts'
import { Counters } from './counters.ts'
import { Gate } from './gate.ts'
import { RoundRobin } from './policies/round-robin.ts'
import type { PickContext, Policy } from './policy.ts'
import { NOTE_JUDGED, REASON_DOWN } from './slots.ts'

export interface PoolOptions {
  readonly name: string
  /** Origins of the backends, each once. */
  readonly urls: readonly string[]
  /** Now, in ms since the epoch. */
  readonly nowMs: number
  /** Default: counters of its own, for one thread. */
  readonly counters?: Counters
  /** Default: a board of its own, for one thread. */
  readonly board?: Board
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
  readonly board: Board
  /** Closed from the moment the gateway listens until the first round of probes has ended. */
  readonly gate: Gate
  #available: readonly Backend[] = []
  /** The version of the board that `#available` was made of. */
  #version = 0

  constructor ({ name, urls, nowMs, counters = new Counters({ capacity: urls.length }), board = new Board({ capacity: urls.length }) }: PoolOptions) {
    counters.assertRoomFor(urls.length)
    this.name = name
    this.counters = counters
    this.board = board
    this.gate = new Gate(board)
    this.backends = urls.map((url, slot) => new Backend(url, slot, { board, counters }, nowMs))
    this.policy = new RoundRobin(counters)
    this.#rebuild()
  }

  /** The backends that may be picked, in the pool's order. */
  get available (): readonly Backend[] {
    if (this.board.version !== this.#version) this.#rebuild()
    return this.#available
  }

  /** A backend for the next attempt, or undefined if none is left. */
  pick (context: PickContext): Backend | undefined {
    // All that a request pays for what other threads may have found out: one word is read.
    if (this.board.version !== this.#version) this.#rebuild()
    return this.policy.pick(context)
  }

  /** Takes a verdict on a backend's health, for all threads; true if it is news. One thread judges: the one that probes. */
  judge (backend: Backend, healthy: boolean, reason: string, nowMs: number): boolean {
    if (backend.judged && backend.healthy === healthy) return false
    this.explain(backend, reason, nowMs)
    if (healthy) this.board.clear(backend.slot, REASON_DOWN)
    else this.board.set(backend.slot, REASON_DOWN)
    this.board.set(backend.slot, NOTE_JUDGED)
    this.#rebuild()
    return true
  }

  /** Notes when and why another thread has judged a backend: the verdict itself is on the board. */
  explain (backend: Backend, reason: string, nowMs: number): void {
    backend.reason = reason
    backend.sinceMs = nowMs
  }

  status (): PoolStatus {
    return { name: this.name, policy: this.policy.name, backends: this.backends.map((backend) => backend.status()) }
  }

  #rebuild (): void {
    // Before the reasons are read: what changes meanwhile is seen by the next look.
    this.#version = this.board.version
    const available: Backend[] = []
    for (const backend of this.backends) {
      backend.position = backend.available ? available.push(backend) - 1 : -1
    }
    this.#available = available
    this.policy.rebuild(available)
  }
}
