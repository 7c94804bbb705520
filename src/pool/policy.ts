/** What every balancing policy is. */
import type { Backend } from './backend.ts'

/** What a policy may look at when it picks for a request. */
export interface PickContext {
  /** Backends that this request has tried in vain, in the pool's order; they are not picked again. */
  readonly tried: readonly Backend[]
}

export interface Policy {
  /** As it stands in configuration, status and metrics. */
  readonly name: string
  /** Called with the available backends, in the pool's order, each time they change. `backend.position` is set by then. */
  rebuild (available: readonly Backend[]): void
  /** Picks an available backend that was not tried, or undefined if there is none. Constant time, no allocation. */
  pick (context: PickContext): Backend | undefined
}
