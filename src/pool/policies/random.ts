/** Random, by weight: each request for itself, without a thought of those before. Even only in the long run; needs nothing to be shared. */
import type { Backend } from '../backend.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { RandomChoice } from './random-choice.ts'

export const random: PolicyFactory = (parts) => new Random(parts.random)

export class Random implements Policy {
  readonly name = 'random'
  readonly rule = 'drawn by weight'
  readonly #choice: RandomChoice

  constructor (source: () => number) {
    this.#choice = new RandomChoice(source)
  }

  rebuild (active: readonly Backend[]): void {
    this.#choice.rebuild(active)
  }

  pick ({ tried }: PickContext): Backend | undefined {
    return this.#choice.next(tried)
  }

  scores ({ currentWeight }: Backend): Readonly<Record<string, number>> {
    return { weight: currentWeight }
  }
}
