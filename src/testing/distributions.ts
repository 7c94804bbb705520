/** Times of modelled backends and clients: how long something takes, drawn anew each time. */

/** Draws a time, in ms; `random` is from 0 (included) to 1 (not included). */
export type Distribution = (random: () => number) => number

/** Always the same. */
export function constant (ms: number): Distribution {
  return () => ms
}

/** Without memory, as in the M/M/c queues of the textbooks. */
export function exponential ({ meanMs }: { readonly meanMs: number }): Distribution {
  return (random) => -meanMs * Math.log(1 - random())
}

/**
 * As the times of real services are: most near the median, a few far above. `sigma`: how far; the 99th percentile is exp(2.33 sigma) times the
 * median: 3.2 times with 0.5 (the default), 10 times with 1.
 */
export function lognormal ({ meanMs, sigma = 0.5 }: { readonly meanMs: number, readonly sigma?: number }): Distribution {
  const median = meanMs / Math.exp(sigma ** 2 / 2)
  return (random) => median * Math.exp(sigma * normal(random))
}

/** One in so many takes as long as `slow` says (`ratio`: 0 to 1), the others as `usual`. */
export function sometimes (ratio: number, slow: Distribution, usual: Distribution): Distribution {
  return (random) => random() < ratio ? slow(random) : usual(random)
}

/** A draw of the standard normal distribution (Box and Muller, "A note on the generation of random normal deviates", 1958). */
function normal (random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
