/**
 * Draws indices, each as often as its weight has it, in constant time and from one random number: the alias method (Walker 1977, with
 * the tables made in linear time as in Vose, "A linear algorithm for generating random numbers with a given distribution", 1991).
 */

export class WeightedDraw {
  readonly #size: number
  /** The part of a column that is its own; what is above it is its alias's. Empty where all weights are equal. */
  readonly #own: Float64Array
  readonly #alias: Int32Array

  /** `weights` are above 0. */
  constructor (weights: ArrayLike<number>) {
    this.#size = weights.length
    const isEven = isConstant(weights)
    this.#own = new Float64Array(isEven ? 0 : weights.length)
    this.#alias = new Int32Array(isEven ? 0 : weights.length)
    if (!isEven) this.#fill(weights)
  }

  /** An index; `random` is from 0 (included) to 1 (not included). -1 if there is none. */
  draw (random: number): number {
    const place = random * this.#size
    const column = Math.floor(place)
    if (this.#own.length === 0) return this.#size === 0 ? -1 : column
    return place - column < (this.#own[column] ?? 1) ? column : this.#alias[column] ?? column
  }

  #fill (weights: ArrayLike<number>): void {
    const size = this.#size
    let total = 0
    for (let i = 0; i < size; i++) total += weights[i] ?? 0
    const small: number[] = []
    const large: number[] = []
    for (let i = 0; i < size; i++) {
      this.#own[i] = (weights[i] ?? 0) * size / total
      this.#alias[i] = i
      if ((this.#own[i] ?? 0) < 1) small.push(i)
      else large.push(i)
    }
    // What a small column lacks comes from a large one, which is smaller by it then.
    for (let lacking = small.pop(), giving = large.pop(); lacking !== undefined && giving !== undefined; lacking = small.pop(), giving = large.pop()) {
      this.#alias[lacking] = giving
      const left = (this.#own[giving] ?? 0) + (this.#own[lacking] ?? 0) - 1
      this.#own[giving] = left
      if (left < 1) small.push(giving)
      else large.push(giving)
    }
    // What is left differs from 1 by what was lost in rounding.
    for (const rest of [...small, ...large]) this.#own[rest] = 1
  }
}

function isConstant (weights: ArrayLike<number>): boolean {
  for (let i = 1; i < weights.length; i++) if (weights[i] !== weights[0]) return false
  return true
}
