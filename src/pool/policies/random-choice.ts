/** A random backend that was not tried, for policies that begin with one: by weight, as long as luck allows. */
import type { Backend } from '../backend.ts'
import { pickUntried } from '../untried.ts'
import { WeightedDraw } from './weighted-draw.ts'

/** Draws that hit a backend which is left out: then one of the others is taken, whatever their weights, so that the time is bounded. */
const MAX_DRAWS = 16

const TWO_POWER_32 = 2 ** 32

export class RandomChoice {
  readonly #random: () => number
  #active: readonly Backend[] = []
  #draws = new WeightedDraw([])

  /** `random`: from 0 (included) to 1 (not included). */
  constructor (random: () => number) {
    this.#random = random
  }

  rebuild (active: readonly Backend[]): void {
    this.#active = active
    this.#draws = new WeightedDraw(active.map(({ currentWeight }) => currentWeight))
  }

  /** One that is not in `tried`; undefined if there is none. */
  next (tried: readonly Backend[]): Backend | undefined {
    if (tried.length === 0) return this.#active[this.#draws.draw(this.#random())]
    for (let i = 0; i < MAX_DRAWS; i++) {
      const drawn = this.#active[this.#draws.draw(this.#random())]
      if (drawn === undefined || !tried.includes(drawn)) return drawn
    }
    return pickUntried(this.#active, 0, tried, Math.floor(this.#random() * TWO_POWER_32))
  }

  /** One that is neither in `tried` nor `other`; undefined if there is none, or if luck has it so. */
  nextBeside (other: Backend, tried: readonly Backend[]): Backend | undefined {
    if (this.#active.length < 2) return undefined
    for (let i = 0; i < MAX_DRAWS; i++) {
      const drawn = this.next(tried)
      if (drawn !== other) return drawn
    }
    return undefined
  }
}
