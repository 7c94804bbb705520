/** A scenario as a table of Markdown. */
import { cell, table } from '../../bench/report/table.ts'
import type { Played } from '../types.ts'
import { metricsOf, valueText } from './metrics.ts'

/** A row a policy. */
export function resultTable (played: Played): string {
  const metrics = metricsOf(played)
  const rows = played.results.map((result) => [cell(result.policy), ...metrics.map((metric) => valueText(metric, result))])
  return table(['policy', ...metrics.map(({ title }) => title)], rows)
}

/** What the clients of failed requests got, a sentence; undefined if nobody's failed. */
export function failures ({ results }: Played): string | undefined {
  const told = results.filter(({ failed }) => failed > 0)
    .map(({ policy, failures: counts }) => `${cell(policy)} ${[...counts].map(([what, count]) => `${count} × ${what}`).join(', ')}`)
  return told.length === 0 ? undefined : `What failed: ${told.join('; ')}.`
}
