/**
 * A scenario as a drawing: a row a policy, a column of bars a metric, and how the latency went from second to second. Readable on light and
 * dark, no script, no fonts of its own.
 */
import type { SimulationResult } from '../../src/testing/index.ts'
import type { Played } from '../types.ts'
import { type Metric, metricsOf, valueText } from './metrics.ts'

const LABEL_WIDTH = 170
const COLUMN_WIDTH = 112
const FIGURE_WIDTH = 46
const LINE_WIDTH = 240
const GAP = 14
const TOP = 62
const ROW_HEIGHT = 34
const BAR_HEIGHT = 16
const LINE_HEIGHT = 28
const BOTTOM = 10

const MS_PER_S = 1_000

const STYLE = `text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 15px } .head { fill: #59636e } .bar { fill: #0969da }
.line { stroke: #0969da; stroke-width: 1.5; fill: none } .mark { stroke: #d1242f; stroke-dasharray: 2 3; opacity: 0.6 } .rule { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .head { fill: #9198a1 } .bar { fill: #4493f8 } .line { stroke: #4493f8 } .rule { stroke: #3d444d } }`

/** The drawing as a whole document. */
export function drawing (played: Played): string {
  const { scenario, results } = played
  const metrics = metricsOf(played).filter(({ isPlotted }) => isPlotted)
  const lineX = LABEL_WIDTH + metrics.length * (COLUMN_WIDTH + GAP)
  const width = lineX + LINE_WIDTH + GAP
  const height = TOP + results.length * ROW_HEIGHT + BOTTOM
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(scenario.title)}">
<style>${STYLE}</style>
<text class="title" x="8" y="20">${escape(scenario.title)}</text>
${results.map(({ policy }, row) => rowHead(policy, row, width)).join('\n')}
${metrics.map((metric, column) => bars(metric, results, LABEL_WIDTH + column * (COLUMN_WIDTH + GAP))).join('\n')}
${lines(played, lineX, height)}
</svg>
`
}

function rowHead (policy: string, row: number, width: number): string {
  const y = TOP + row * ROW_HEIGHT
  return `<path class="rule" d="M8 ${y}H${width - GAP}"/><text x="8" y="${y + 21}">${escape(policy)}</text>`
}

function bars (metric: Metric, results: readonly SimulationResult[], x: number): string {
  const values = results.map((result) => metric.of(result)).map((value) => Number.isNaN(value) ? 0 : value)
  const most = Math.max(...values)
  const drawn = results.map((result, row) => {
    const y = TOP + row * ROW_HEIGHT
    const length = most > 0 ? (values[row] ?? 0) / most * (COLUMN_WIDTH - FIGURE_WIDTH) : 0
    return `<rect class="bar" x="${x}" y="${y + (ROW_HEIGHT - BAR_HEIGHT) / 2}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>` +
      `<text x="${x + COLUMN_WIDTH}" y="${y + 21}" text-anchor="end">${valueText(metric, result)}</text>`
  })
  return `<text class="head" x="${x}" y="${TOP - 10}">${escape(metric.title)}</text>${drawn.join('')}`
}

/** The 99th percentile of each second, all on one logarithmic scale, and marks where something changes. */
function lines ({ scenario: { options: { durationMs, changes = [] } }, results }: Played, left: number, height: number): string {
  const all = results.flatMap(({ seconds }) => seconds.map(({ p99Ms }) => p99Ms)).filter((ms) => ms > 0)
  if (all.length === 0) return ''
  const [least, most] = [Math.min(...all), Math.max(...all)]
  const x = (atMs: number): string => (left + Math.min(1, atMs / durationMs) * LINE_WIDTH).toFixed(1)
  const share = (ms: number): number => most === least ? 0 : Math.log(ms / least) / Math.log(most / least)
  const marks = [...new Set(changes.map(({ atMs }) => atMs))].filter((atMs) => atMs > 0).map((atMs) => `M${x(atMs)} ${TOP}V${height - BOTTOM}`)
  const drawn = results.map(({ seconds }, row) => {
    const bottom = TOP + row * ROW_HEIGHT + LINE_HEIGHT + (ROW_HEIGHT - LINE_HEIGHT) / 2
    const points = seconds.map(({ p99Ms }, second) => p99Ms > 0 ? `${x((second + 0.5) * MS_PER_S)} ${(bottom - share(p99Ms) * LINE_HEIGHT).toFixed(1)}` : undefined)
    return `<path class="line" d="${pathOf(points)}"/>`
  })
  const head = `p99 by second, ${least.toFixed(0)} to ${most.toFixed(0)} ms (log.)`
  return `<text class="head" x="${left}" y="${TOP - 10}">${head}</text>${marks.length === 0 ? '' : `<path class="mark" d="${marks.join('')}"/>`}${drawn.join('')}`
}

/** Nothing is drawn across what is missing. */
function pathOf (points: ReadonlyArray<string | undefined>): string {
  return points.map((point, i) => point === undefined ? '' : `${points[i - 1] === undefined ? 'M' : 'L'}${point}`).join('')
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
