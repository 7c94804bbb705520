/** What happens to backends, as it is told from thread to thread and kept in the timeline. */
import type { Backend } from '../pool/backend.ts'

export interface BackendEvent {
  readonly slot: number
  readonly event: 'up' | 'down' | 'ejected' | 'on trial' | 'restored' | 'draining' | 'drained' | 'not draining'
  readonly reason: string
  /** When, in ms since the epoch. */
  readonly atMs: number
}

/** Events that take a backend out: they are worth a warning. */
const OUT: ReadonlySet<BackendEvent['event']> = new Set(['down', 'ejected'])

/** An event of now. */
export function eventOf ({ slot }: Backend, event: BackendEvent['event'], reason: string, atMs: number): BackendEvent {
  return { slot, event, reason, atMs }
}

export function isWarning ({ event }: BackendEvent): boolean {
  return OUT.has(event)
}
