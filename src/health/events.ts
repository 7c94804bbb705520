/** What threads find out about backends, as it is told from one to another. */
import type { Backend } from '../pool/backend.ts'

export interface BackendEvent {
  readonly slot: number
  readonly event: 'ejected' | 'on trial' | 'restored'
  readonly reason: string
  /** When, in ms since the epoch. */
  readonly atMs: number
}

/** An event of now. */
export function eventOf ({ slot }: Backend, event: BackendEvent['event'], reason: string, atMs: number): BackendEvent {
  return { slot, event, reason, atMs }
}
