/**
 * Round-robin over the available backends, exact over all threads: n x k first attempts give each of k backends n.
 *
 * A backend that is down is not in the cycle, so no neighbour inherits its share. An attempt after a failure takes its turn
 * from a cursor of its own over the backends that are left: what a failing backend could not serve is spread over all the
 * others, and the first cycle stays even.
 */
import type { Backend } from '../backend.ts'
import type { Counters } from '../counters.ts'
import type { PickContext, Policy } from '../policy.ts'
import { CURSOR_RETRY, CURSOR_ROUND_ROBIN } from '../slots.ts'

export class RoundRobin implements Policy {
  readonly name = 'round-robin'
  readonly #counters: Counters
  #available: readonly Backend[] = []

  constructor (counters: Counters) {
    this.#counters = counters
  }

  rebuild (available: readonly Backend[]): void {
    this.#available = available
  }

  pick (context: PickContext): Backend | undefined {
    const count = this.#available.length
    if (context.tried.length > 0) return this.#pickUntried(context.tried)
    return count === 0 ? undefined : this.#available[this.#counters.advance(CURSOR_ROUND_ROBIN) % count]
  }

  /** Linear in the number of attempts so far, whatever the size of the pool. */
  #pickUntried (tried: readonly Backend[]): Backend | undefined {
    let left = this.#available.length
    for (const backend of tried) if (backend.position >= 0) left--
    if (left <= 0) return undefined
    let position = this.#counters.advance(CURSOR_RETRY) % left
    // `tried` ascends, as `position` does: stepping over each hole at or below keeps every backend that is left equally likely.
    for (const backend of tried) if (backend.position >= 0 && backend.position <= position) position++
    return this.#available[position]
  }
}
