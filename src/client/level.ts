/** Whether a figure is too high: once it has been above its limit for a while, and until it has been well below that for a while. */

export interface LevelOptions {
  /** The figure may be that high. */
  readonly limit: number
  /** Below this it is well again. */
  readonly well: number
  /** For figures that may stay high whatever is done. Default: never given up. */
  readonly giveUp?: GiveUp
}

/** When what is done about a figure does not help, it is stopped, and not begun again before the figure is higher still. */
export interface GiveUp {
  /** Time without its falling, in ms. */
  readonly afterMs: number
  /** A fall of less than this is none. */
  readonly step: number
  /** As high as it can be: until the figure is well again the limit is halfway from where it stays to here. */
  readonly ceiling: number
}

/** Samples in a row that are above the limit, or well again, before that counts. */
const SAMPLES_UP = 2
const SAMPLES_DOWN = 4

export class Level {
  readonly #options: LevelOptions
  #limit: number
  #isHigh = false
  #streak = 0
  /** The lowest figure since it is too high, and when that was. */
  #lowest = 0
  #lowestMs = 0

  constructor (options: LevelOptions) {
    this.#options = options
    this.#limit = options.limit
  }

  /** Whether it is too high, as of the last sample. */
  get isHigh (): boolean {
    return this.#isHigh
  }

  /** Takes the next sample. `nowMs` is of a monotonic clock. */
  observe (figure: number, nowMs: number): void {
    if (this.#isHigh) this.#lookForEnd(figure, nowMs)
    else this.#lookForBegin(figure, nowMs)
  }

  #lookForBegin (figure: number, nowMs: number): void {
    const { limit, well } = this.#options
    if (figure < well) this.#limit = limit
    this.#streak = figure > this.#limit ? this.#streak + 1 : 0
    if (this.#streak < SAMPLES_UP) return
    this.#turn(true)
    this.#lowest = figure
    this.#lowestMs = nowMs
  }

  #lookForEnd (figure: number, nowMs: number): void {
    const { well, giveUp } = this.#options
    this.#streak = figure < well ? this.#streak + 1 : 0
    if (this.#streak >= SAMPLES_DOWN) return this.#turn(false)
    if (giveUp === undefined || this.#streak > 0) return
    if (figure <= this.#lowest - giveUp.step) {
      this.#lowest = figure
      this.#lowestMs = nowMs
    } else if (nowMs - this.#lowestMs >= giveUp.afterMs) {
      this.#limit = (Math.max(figure, this.#limit) + giveUp.ceiling) / 2
      this.#turn(false)
    }
  }

  #turn (isHigh: boolean): void {
    this.#isHigh = isHigh
    this.#streak = 0
  }
}
