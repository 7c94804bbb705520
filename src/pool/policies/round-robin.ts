/**
 * Round-robin over the available backends, exact over all threads: n x k first attempts give each of k backends n.
 *
 * A backend that is down is not in the cycle, so no neighbour inherits its share. An attempt after a failure takes its turn
 * from a cursor of its own over the backends that are left: what a failing backend could not serve is spread over all the
 * others, and the first cycle stays even.
 */
import type { Backend } from '../backend.ts'
import type { Counters } from '../counters.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { CURSOR_RETRY, CURSOR_ROUND_ROBIN } from '../slots.ts'
import { pickUntried } from '../untried.ts'

export const roundRobin: PolicyFactory = ({ counters }) => new RoundRobin(counters)

export class RoundRobin implements Policy {
  readonly name = 'round-robin'
  readonly rule = 'each in turn, in the pool\'s order; a further attempt goes to any of those not tried, in turn'
  readonly #counters: Counters
  #active: readonly Backend[] = []

  constructor (counters: Counters) {
    this.#counters = counters
  }

  rebuild (active: readonly Backend[]): void {
    this.#active = active
  }

  pick ({ tried }: PickContext): Backend | undefined {
    const count = this.#active.length
    if (tried.length > 0) return pickUntried(this.#active, 0, tried, this.#counters.advance(CURSOR_RETRY))
    return count === 0 ? undefined : this.#active[this.#counters.advance(CURSOR_ROUND_ROBIN) % count]
  }
}
