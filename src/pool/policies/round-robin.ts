/**
 * Round-robin over the available backends, exact over all threads: n x k first attempts give each of k backends n.
 *
 * A backend that is down is not in the cycle, so no neighbour inherits its share. An attempt after a failure takes its turn
 * from a cursor of its own over the backends that are left: what a failing backend could not serve is spread over all the
 * others, and the first cycle stays even.
 *
 * Where weights differ, or while a backend warms up, it is weighted round-robin.
 */
import type { Backend } from '../backend.ts'
import type { Counters } from '../counters.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { CURSOR_RETRY, CURSOR_ROUND_ROBIN } from '../slots.ts'
import { pickUntried } from '../untried.ts'
import { WeightedRoundRobin } from './weighted-round-robin.ts'

export const roundRobin: PolicyFactory = ({ counters, random }) => new RoundRobin(counters, random)

export class RoundRobin implements Policy {
  readonly name = 'round-robin'
  readonly #counters: Counters
  readonly #weighted: WeightedRoundRobin
  #active: readonly Backend[] = []
  #isEven = true

  constructor (counters: Counters, random: () => number) {
    this.#counters = counters
    this.#weighted = new WeightedRoundRobin(counters, random)
  }

  get rule (): string {
    return this.#isEven ? 'each in turn, in the pool\'s order; a further attempt goes to any of those not tried, in turn' : this.#weighted.rule
  }

  rebuild (active: readonly Backend[], members: readonly Backend[]): void {
    this.#active = active
    this.#isEven = active.every(({ currentWeight }) => currentWeight === active[0]?.currentWeight)
    if (!this.#isEven) this.#weighted.rebuild(active, members)
  }

  pick (context: PickContext): Backend | undefined {
    if (!this.#isEven) return this.#weighted.pick(context)
    const { tried } = context
    const count = this.#active.length
    if (tried.length > 0) return pickUntried(this.#active, 0, tried, this.#counters.advance(CURSOR_RETRY))
    return count === 0 ? undefined : this.#active[this.#counters.advance(CURSOR_ROUND_ROBIN) % count]
  }

  scores (backend: Backend): Readonly<Record<string, number>> {
    return this.#isEven ? {} : this.#weighted.scores(backend)
  }
}
