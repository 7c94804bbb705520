/** A scenario as a chart: its first metric, against the one that it compares with. */
import { OURS } from '../peers/fastlancer.ts'
import { ratios, spreadOf } from '../stats.ts'
import type { Result } from '../types.ts'
import { type Bar, barChart } from './svg.ts'
import { mainMetric, valuesOf } from './table.ts'

const RATIO_DIGITS = 2

/** The chart as SVG; undefined if there is nothing to compare. */
export function plot (result: Result): string | undefined {
  const { scenario, entrants } = result
  const metric = mainMetric(result)
  const bars = entrants.flatMap((entrant) => barOf(result, entrant))
  if (bars.length < 2) return undefined
  const better = { more: 'more is better', less: 'less is better', none: '' }[metric.better]
  return barChart({ title: scenario.title, caption: `${metric.title}, ${scenario.comparison.one}, ${better}; the whiskers are quartiles of the ratios, pair by pair`, bars, digits: RATIO_DIGITS, line: 1 })
}

function barOf (result: Result, entrant: string): Bar[] {
  const { key } = mainMetric(result)
  const pair = result.scenario.comparison.pairOf(entrant)
  const isOurs = entrant.startsWith(OURS)
  // What all are compared with is 1, without a spread.
  if (pair === undefined) return [{ label: entrant, value: 1, low: NaN, high: NaN, isOurs }]
  const other = pair.over === entrant ? pair.under : pair.over
  const spread = spreadOf(ratios(valuesOf(result, entrant, key), valuesOf(result, other, key)))
  return spread === undefined ? [] : [{ label: entrant, value: spread.median, low: spread.low, high: spread.high, isOurs }]
}
