/** How long a worker that ended is waited with before it is started anew. */

export interface BackoffOptions {
  /** The first delay, in ms; each further one is twice as long. Default: 1000. */
  readonly firstMs?: number
  /** The longest delay, in ms. Default: 30 000. */
  readonly longestMs?: number
  /** Whoever ran for this long, in ms, begins with the first delay again. Default: 60 000. */
  readonly steadyMs?: number
}

export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #steadyMs: number
  #nextMs: number

  constructor ({ firstMs = 1_000, longestMs = 30_000, steadyMs = 60_000 }: BackoffOptions = {}) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
    this.#steadyMs = steadyMs
    this.#nextMs = firstMs
  }

  /** The delay after an end that came `ranMs` after the start. */
  delayMs (ranMs: number): number {
    if (ranMs >= this.#steadyMs) this.#nextMs = this.#firstMs
    const delayMs = this.#nextMs
    this.#nextMs = Math.min(2 * delayMs, this.#longestMs)
    return delayMs
  }
}
