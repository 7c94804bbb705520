/** What supervisor and workers say to each other. Nothing of it is on the way of a request. */
import type { Environment } from '../config/env-schema.ts'
import type { BackendEvent } from '../health/events.ts'
import type { CountersMemory } from '../pool/counters.ts'

/** All memory that the threads share. Row 0 is the supervisor's, each worker has that of its number. */
export interface SharedMemory {
  readonly counters: CountersMemory
  readonly board: SharedArrayBuffer
  readonly gauges: SharedArrayBuffer
  readonly retryBudget: SharedArrayBuffer
  readonly heartbeats: SharedArrayBuffer
  readonly lines: SharedArrayBuffer
}

/** What a worker is started with. */
export interface WorkerOrder {
  readonly kind: 'fastlancer-worker'
  /** Its number, from 1 on. */
  readonly worker: number
  readonly rows: number
  /** How many backends there is room for. */
  readonly capacity: number
  readonly memory: SharedMemory
  readonly env: Environment
  readonly ticketSecret: Uint8Array
  /** Whether standard output is a terminal, which a worker cannot see. */
  readonly isTerminal: boolean
}

/** Why and since when a backend is up, down or drained; that it is stands on the board. */
export interface Verdict {
  readonly type: 'verdict'
  readonly slot: number
  readonly reason: string
  readonly sinceMs: number
}

export type ToWorker =
  | { readonly type: 'listen', readonly host: string, readonly port: number }
  /** The gate is open: whoever waits at it is let in. */
  | { readonly type: 'gate' }
  | Verdict
  /** Finish what is in flight, within this time, and end. */
  | { readonly type: 'stop', readonly timeoutMs: number }

export type ToSupervisor =
  /** All plugins are loaded. */
  | { readonly type: 'ready' }
  | { readonly type: 'listening', readonly address: string, readonly port: number }
  /** It cannot serve and ends: at once, or, once it listens, when its requests are finished. */
  | { readonly type: 'failed', readonly reason: string }
  /** It has found something out about a backend. */
  | { readonly type: 'backend', readonly event: BackendEvent }
  /** It serves no more, as it was told or for its failure; clean: nothing had to be cut. */
  | { readonly type: 'stopped', readonly isClean: boolean }

const TO_WORKER: ReadonlySet<unknown> = new Set<ToWorker['type']>(['listen', 'gate', 'verdict', 'stop'])
const TO_SUPERVISOR: ReadonlySet<unknown> = new Set<ToSupervisor['type']>(['ready', 'listening', 'failed', 'backend', 'stopped'])

export function isOrder (value: unknown): value is WorkerOrder {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'fastlancer-worker'
}

/** A plugin may write to the same port: what is not ours is nobody's. */
export function isToWorker (value: unknown): value is ToWorker {
  return typeof value === 'object' && value !== null && 'type' in value && TO_WORKER.has(value.type)
}

export function isToSupervisor (value: unknown): value is ToSupervisor {
  return typeof value === 'object' && value !== null && 'type' in value && TO_SUPERVISOR.has(value.type)
}
