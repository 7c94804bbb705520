/** One scenario as a table of Markdown. */
import { ratios, type Spread, spreadOf } from '../stats.ts'
import type { Metric, Result } from '../types.ts'

const NOTHING = '-'

/** The values of a metric, by round. */
export function valuesOf ({ samples }: Result, entrant: string, metric: string): Array<number | undefined> {
  return Array.from(samples.get(entrant) ?? [], (sample) => sample?.[metric])
}

/** The ratio that the scenario compares an entrant by; undefined where there is nothing to compare. */
export function ratioOf (result: Result, entrant: string, metric: string): Spread | undefined {
  const pair = result.scenario.comparison.pairOf(entrant)
  if (pair === undefined) return undefined
  return spreadOf(ratios(valuesOf(result, pair.over, metric), valuesOf(result, pair.under, metric)))
}

/** Rows: who took part, then who did not, and why. Each figure is a median with its quartiles. */
export function resultTable (result: Result): string {
  const { scenario, entrants, missing } = result
  const compared = scenario.metrics.filter(({ better }) => better !== 'none')
  const columns = [''].concat(scenario.metrics.map(({ title }) => title), compared.map(({ title }) => `${scenario.comparison.title}: ${title}`))
  const rows = entrants.map((entrant) => [entrant].concat(
    scenario.metrics.map(({ key, digits }) => spreadText(spreadOf(definedOf(valuesOf(result, entrant, key))), digits)),
    compared.map((metric) => spreadText(ratioOf(result, entrant, metric.key), 2))
  ))
  const others = missing.map(({ name, reason }) => [name, cell(reason)].concat(Array.from({ length: columns.length - 2 }, () => '')))
  return table(columns, [...rows, ...others])
}

/** Requests that failed, a sentence; undefined if none did. */
export function failures (result: Result): string | undefined {
  const counts = result.entrants.flatMap((entrant) => {
    const sum = definedOf(valuesOf(result, entrant, 'errors')).reduce((total, count) => total + count, 0)
    return sum > 0 ? [`${entrant} ${sum}`] : []
  })
  return counts.length === 0 ? undefined : `Requests that failed: ${counts.join(', ')}.`
}

export function table (columns: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [columns, columns.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** `median (quartile to quartile)`. */
export function spreadText (spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return NOTHING
  return `${spread.median.toFixed(digits)} (${spread.low.toFixed(digits)} to ${spread.high.toFixed(digits)})`
}

/** The first metric: the one that is plotted. */
export function mainMetric ({ scenario }: Result): Metric {
  const [metric] = scenario.metrics
  if (metric === undefined) throw new Error(`scenario ${scenario.name} has no metric`)
  return metric
}

/** Text that cannot break a table. */
export function cell (text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').slice(0, 200)
}

function definedOf (values: ReadonlyArray<number | undefined>): number[] {
  return values.filter((value) => value !== undefined)
}
