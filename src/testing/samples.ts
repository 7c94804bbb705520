/** Numbers that were measured, and what lies where among them. */

const INITIAL_SIZE = 1_024

export class Samples {
  #values = new Float64Array(INITIAL_SIZE)
  #count = 0
  #isSorted = true

  get count (): number {
    return this.#count
  }

  /** NaN of none. */
  get mean (): number {
    let sum = 0
    for (let i = 0; i < this.#count; i++) sum += this.#values[i] ?? 0
    return sum / this.#count
  }

  add (value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count++] = value
    this.#isSorted = false
  }

  /** The smallest number that at least the share `share` (0 to 1) of them do not exceed; NaN of none. */
  quantile (share: number): number {
    if (!this.#isSorted) {
      this.#values.subarray(0, this.#count).sort()
      this.#isSorted = true
    }
    return this.#count === 0 ? NaN : this.#values[Math.max(0, Math.ceil(share * this.#count) - 1)] ?? NaN
  }
}
