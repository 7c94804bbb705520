/** The figures that are quoted: medians with their quartiles. Of a shared machine, a mean says less than its noise. */

export interface Spread {
  readonly median: number
  /** The lower and the upper quartile. */
  readonly low: number
  readonly high: number
}

/** The value below which the share `share` (0 to 1) of `values` lies, interpolated between neighbours; NaN of none. */
export function quantile (values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? NaN
  const above = sorted[Math.ceil(place)] ?? NaN
  return below + (above - below) * (place - Math.floor(place))
}

export function median (values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Of no values at all: undefined. */
export function spreadOf (values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) }
}

/** The ratio of each pair of one round. Rounds that lack one of the two, or whose divisor is 0, are left out. */
export function ratios (over: ReadonlyArray<number | undefined>, under: ReadonlyArray<number | undefined>): number[] {
  return over.flatMap((value, round) => {
    const divisor = under[round]
    return value === undefined || divisor === undefined || divisor === 0 ? [] : [value / divisor]
  })
}
