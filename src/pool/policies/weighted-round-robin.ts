/**
 * Weighted round-robin, smooth as nginx's, and exact over all threads: of as many requests as the weights add up to each backend gets its
 * weight, and a heavy one's turns are spread over the cycle. An attempt after a failure goes to a backend that was not tried, by weight
 * as well, and takes no turn of the cycle. Who is not available has no turns; the others keep theirs.
 */
import type { Backend } from '../backend.ts'
import type { Counters } from '../counters.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { CURSOR_ROUND_ROBIN } from '../slots.ts'
import { RandomChoice } from './random-choice.ts'
import { smoothOrder } from './smooth-order.ts'

/** The position of a backend that may not be picked. */
const NOT_ACTIVE = -1

export const weightedRoundRobin: PolicyFactory = ({ counters, random }) => new WeightedRoundRobin(counters, random)

export class WeightedRoundRobin implements Policy {
  readonly name = 'weighted-round-robin'
  readonly rule = 'each in turn as often as it weighs, spread over the cycle; a further attempt is drawn by weight'
  readonly #counters: Counters
  readonly #others: RandomChoice
  #active: readonly Backend[] = []
  /** The weights of all backends, and whose turns come as they have it: by place in the pool. */
  #weights: readonly number[] = []
  #orderOfAll = new Int32Array(0)
  /** The same of those that are picked from, by position; what is behind the turns is of before. */
  #order = new Int32Array(0)
  #turns = 0
  /** Whether the backends have changed since further attempts were last drawn. */
  #areOthersOld = true

  constructor (counters: Counters, random: () => number) {
    this.#counters = counters
    this.#others = new RandomChoice(random)
  }

  /** A backend that comes to be full, and is not any more, changes this with every request: what is worked out then has to be little. */
  rebuild (active: readonly Backend[], members: readonly Backend[]): void {
    this.#active = active
    this.#areOthersOld = true
    if (members.length !== this.#weights.length || members.some(({ currentWeight }, i) => currentWeight !== this.#weights[i])) {
      this.#weights = members.map(({ currentWeight }) => currentWeight)
      this.#orderOfAll = smoothOrder(this.#weights)
      this.#order = new Int32Array(this.#orderOfAll.length)
    }
    let turns = 0
    for (const index of this.#orderOfAll) {
      const position = members[index]?.position ?? NOT_ACTIVE
      if (position !== NOT_ACTIVE && position < active.length) this.#order[turns++] = position
    }
    this.#turns = turns
  }

  pick ({ tried }: PickContext): Backend | undefined {
    if (this.#turns === 0) return undefined
    if (tried.length > 0) return this.#pickOther(tried)
    return this.#active[this.#order[this.#counters.advance(CURSOR_ROUND_ROBIN) % this.#turns] ?? 0]
  }

  scores ({ currentWeight }: Backend): Readonly<Record<string, number>> {
    return { weight: currentWeight }
  }

  #pickOther (tried: readonly Backend[]): Backend | undefined {
    if (this.#areOthersOld) this.#others.rebuild(this.#active)
    this.#areOthersOld = false
    return this.#others.next(tried)
  }
}
