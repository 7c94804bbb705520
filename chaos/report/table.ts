/** The tables of the page. */
import { cell, table } from '../../bench/report/table.ts'
import type { Figures, Latency } from '../statistics.ts'
import type { Act, Result } from '../types.ts'

const NOTHING = '-'

const COLUMNS = [
  'gateway', 'settings', 'requests', 'errors', 'good answers/s: before, during', 'p99 ms: before, during', 'longest ms: before, during', 'last error after', 'share back after'
]

/** All plays of a fault. */
export function actTable ({ results }: Act): string {
  return table(COLUMNS, results.map(row))
}

/** Errors of a fault, by settings: those of all policies together, and of each other gateway. */
export function overview (acts: readonly Act[]): string {
  const columns = [...new Set(acts.flatMap(({ results }) => results.map(columnOf)))]
  const rows = acts.map((act) => [act.fault.title].concat(columns.map((column) => total(act.results.filter((result) => columnOf(result) === column)))))
  return table(['fault', ...columns], rows)
}

/** `12 (10 × 502, 2 × cut)`, the most frequent kind first. */
export function errorsText ({ errors, kinds }: Pick<Figures, 'errors' | 'kinds'>): string {
  if (errors === 0) return '0'
  const parts = [...kinds].toSorted(([, a], [, b]) => b - a).map(([kind, count]) => `${count} × ${kind}`)
  return `${errors} (${parts.join(', ')})`
}

/** `0.4 s`. */
export function secondsText (ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function row ({ gateway: { name, settings }, outcome }: Result): string[] {
  if (typeof outcome === 'string') return [name, settings, cell(outcome)].concat(COLUMNS.slice(3).map(() => ''))
  const { requests, rateBefore, rateDuring, before, during, errorsStopMs, shareBackMs } = outcome
  return [
    name, settings, String(requests), errorsText(outcome),
    `${rateBefore.toFixed(0)}, ${rateDuring.toFixed(0)}`,
    pair(before, during, 'p99Ms'), pair(before, during, 'longestMs'),
    errorsStopMs === undefined ? NOTHING : secondsText(errorsStopMs),
    shareBackMs === undefined ? 'not in time' : secondsText(shareBackMs)
  ]
}

function pair (before: Latency | undefined, during: Latency | undefined, key: keyof Latency): string {
  return [before, during].map((latency) => latency === undefined ? NOTHING : latency[key].toFixed(0)).join(', ')
}

/** Ours by settings, others by name. */
function columnOf ({ gateway: { name, settings, isOurs } }: Result): string {
  return isOurs ? `Fastlancer, ${settings}` : name
}

/** `12 of 25000`. */
function total (results: readonly Result[]): string {
  const figures = results.flatMap(({ outcome }) => typeof outcome === 'string' ? [] : [outcome])
  if (figures.length === 0) return NOTHING
  const sum = (key: 'errors' | 'requests'): number => figures.reduce((count, one) => count + one[key], 0)
  return `${sum('errors')} of ${sum('requests')}`
}
