/** Turns probe outcomes into verdicts: so many good ones in a row bring a backend up, so many bad ones take it down. */

export interface ThresholdOptions {
  /** Good probes in a row that bring a backend back. */
  readonly rise: number
  /** Bad probes in a row that take it out. */
  readonly fall: number
}

/** One for each backend. */
export class Thresholds {
  readonly #rise: number
  readonly #fall: number
  #healthy: boolean | undefined
  #streak = 0

  constructor ({ rise, fall }: ThresholdOptions) {
    this.#rise = rise
    this.#fall = fall
  }

  /** The verdict after this outcome. The very first outcome decides alone: there is nothing yet to keep. */
  observe (good: boolean): boolean {
    if (this.#healthy === undefined || good === this.#healthy) {
      this.#healthy = good
      this.#streak = 0
      return good
    }
    this.#streak++
    if (this.#streak >= (good ? this.#rise : this.#fall)) {
      this.#healthy = good
      this.#streak = 0
    }
    return this.#healthy
  }
}
