/**
 * Finds backends that fail much more often than the others of their pool: those whose rate of success is more than so many standard
 * deviations below the mean. As Envoy does (success rate outlier detection), with its factor and its bounds on how much has to be known.
 */

/** What a backend has done since the last look. */
export interface Tally {
  readonly attempts: number
  readonly failures: number
}

export interface SuccessRateRules {
  /** Attempts that a backend must have had to be judged. */
  readonly minAttempts: number
  /** Backends that there must be to judge. */
  readonly minBackends: number
  /** How many standard deviations below the mean. */
  readonly deviations: number
  /** How much below the mean in any case, 0 to 1: where nothing fails elsewhere, one failure would be many deviations. */
  readonly minGap: number
}

export const SUCCESS_RATE_RULES: SuccessRateRules = { minAttempts: 100, minBackends: 5, deviations: 1.9, minGap: 0.05 }

/** The indices of those that stand out, with the rate that they would have had to have; nobody where too little is known. */
export function standingOut (tallies: readonly Tally[], { minAttempts, minBackends, deviations, minGap }: SuccessRateRules = SUCCESS_RATE_RULES): { readonly outliers: readonly number[], readonly threshold: number } {
  const judged = [...tallies.entries()].filter(([, { attempts }]) => attempts >= minAttempts).map(([index, { attempts, failures }]) => ({ index, rate: 1 - failures / attempts }))
  if (judged.length < minBackends) return { outliers: [], threshold: NaN }
  const mean = judged.reduce((sum, { rate }) => sum + rate, 0) / judged.length
  const variance = judged.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / judged.length
  const threshold = mean - Math.max(minGap, deviations * Math.sqrt(variance))
  return { outliers: judged.filter(({ rate }) => rate < threshold).map(({ index }) => index), threshold }
}
