/** Pearson's chi-squared test: whether counts are what chance makes of the shares that are expected. */

/** How unlikely a count has to be to be held against the shares, in standard deviations: about 1 in 30,000. */
const DEVIATIONS = 4

/**
 * The statistic divided by the largest value that chance may be held responsible for (Wilson and Hilferty's approximation): above 1 the counts
 * do not have these `shares`, which need not add up to 1. A count where no share is makes it infinite.
 */
export function chiSquaredExcess (counts: readonly number[], shares: readonly number[]): number {
  const total = sum(counts)
  const whole = sum(shares)
  let statistic = 0
  for (const [i, share] of shares.entries()) {
    const expected = total * share / whole
    const difference = (counts[i] ?? 0) - expected
    if (difference !== 0) statistic += difference ** 2 / expected
  }
  const freedom = Math.max(1, shares.filter((share) => share > 0).length - 1)
  const part = 2 / (9 * freedom)
  return statistic / (freedom * (1 - part + DEVIATIONS * Math.sqrt(part)) ** 3)
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
