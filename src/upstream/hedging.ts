/**
 * When a second attempt is sent although the first one may yet be answered: after as long as 95 of 100 requests take. Then few requests
 * are sent twice, and those that would have been slow are as fast as another backend ("hedged requests", J. Dean and L. A. Barroso, "The
 * Tail at Scale", CACM 56(2), 2013).
 */

/** The latencies that are known, the last ones. */
const KEPT = 1_000

/** With fewer than these known there is no saying what is slow. */
const LEAST_KNOWN = 100

const QUANTILE = 0.95

/** Latencies after which the delay is worked out anew. */
const RENEWED_AFTER = 100

export class Hedging {
  readonly #latenciesMs = new Float64Array(KEPT)
  /** Latencies so far. */
  #count = 0
  #delayMs: number | undefined

  /** How long to wait for the first attempt, in ms; undefined as long as too little is known. */
  get delayMs (): number | undefined {
    return this.#delayMs
  }

  /**
   * A request was answered this long after its first attempt began, in ms. Not after the attempt that was answered: what a hedge has made
   * fast was slow, and would else be slow ever sooner.
   */
  note (latencyMs: number): void {
    this.#latenciesMs[this.#count++ % KEPT] = latencyMs
    if (this.#count % RENEWED_AFTER === 0 && this.#count >= LEAST_KNOWN) this.#renew()
  }

  #renew (): void {
    const known = this.#latenciesMs.subarray(0, Math.min(this.#count, KEPT)).toSorted()
    this.#delayMs = known[Math.ceil(QUANTILE * known.length) - 1]
  }
}
