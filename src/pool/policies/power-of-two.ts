/**
 * The power of two choices: two backends are drawn by weight, and the one with fewer attempts in flight for its weight is taken. Nearly as
 * even as asking all of them, in constant time, and without the herd that goes for the least loaded one when several gateways see it
 * at once. Mitzenmacher, "The power of two choices in randomized load balancing" (1996, 2001).
 */
import type { Backend } from '../backend.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { RandomChoice } from './random-choice.ts'

export const powerOfTwo: PolicyFactory = ({ random }) => new PowerOfTwo(random)

export class PowerOfTwo implements Policy {
  readonly name = 'power-of-two'
  readonly rule = 'two are drawn by weight, and the one with the lower load is taken; of equal ones the first that was drawn'
  readonly #choice: RandomChoice

  constructor (random: () => number) {
    this.#choice = new RandomChoice(random)
  }

  rebuild (active: readonly Backend[]): void {
    this.#choice.rebuild(active)
  }

  pick ({ tried }: PickContext): Backend | undefined {
    const first = this.#choice.next(tried)
    if (first === undefined) return undefined
    const second = this.#choice.nextBeside(first, tried)
    // Of two that are equal the first: idle backends get what their weights say.
    return second !== undefined && load(second) < load(first) ? second : first
  }

  scores (backend: Backend): Readonly<Record<string, number>> {
    return { inFlight: backend.inFlight, weight: backend.currentWeight, load: load(backend) }
  }
}

function load ({ inFlight, currentWeight }: Backend): number {
  return inFlight / currentWeight
}
