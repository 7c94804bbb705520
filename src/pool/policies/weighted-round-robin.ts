/**
 * Weighted round-robin, smooth as nginx's, and exact over all threads: of as many requests as the weights add up to each backend gets its
 * weight, and a heavy one's turns are spread over the cycle. An attempt after a failure goes to a backend that was not tried, by weight
 * as well, and takes no turn of the cycle.
 */
import type { Backend } from '../backend.ts'
import type { Counters } from '../counters.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { CURSOR_ROUND_ROBIN } from '../slots.ts'
import { RandomChoice } from './random-choice.ts'
import { smoothOrder } from './smooth-order.ts'

export const weightedRoundRobin: PolicyFactory = ({ counters, random }) => new WeightedRoundRobin(counters, random)

export class WeightedRoundRobin implements Policy {
  readonly name = 'weighted-round-robin'
  readonly rule = 'each in turn as often as it weighs, spread over the cycle; a further attempt is drawn by weight'
  readonly #counters: Counters
  readonly #others: RandomChoice
  #active: readonly Backend[] = []
  #order = new Int32Array(0)

  constructor (counters: Counters, random: () => number) {
    this.#counters = counters
    this.#others = new RandomChoice(random)
  }

  rebuild (active: readonly Backend[]): void {
    this.#active = active
    this.#order = smoothOrder(active.map(({ currentWeight }) => currentWeight))
    this.#others.rebuild(active)
  }

  pick ({ tried }: PickContext): Backend | undefined {
    const turns = this.#order.length
    if (turns === 0) return undefined
    if (tried.length > 0) return this.#others.next(tried)
    return this.#active[this.#order[this.#counters.advance(CURSOR_ROUND_ROBIN) % turns] ?? 0]
  }

  scores ({ currentWeight }: Backend): Readonly<Record<string, number>> {
    return { weight: currentWeight }
  }
}
