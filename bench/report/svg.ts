/** A bar chart as SVG: readable on light and dark, no script, no fonts of its own. */

export interface Bar {
  readonly label: string
  readonly value: number
  /** Ends of the whisker: the quartiles. */
  readonly low: number
  readonly high: number
  /** Whether it is drawn in the colour of what the page is about. */
  readonly isOurs: boolean
}

export interface Chart {
  readonly title: string
  /** What the bars are, and what 1 is. */
  readonly caption: string
  readonly bars: readonly Bar[]
  /** Digits of the figures beside the bars. */
  readonly digits: number
  /** Where a line is drawn across all bars; default: nowhere. */
  readonly line?: number
}

const WIDTH = 760
const LABEL_WIDTH = 210
const FIGURE_WIDTH = 70
const BAR_HEIGHT = 18
const ROW_HEIGHT = 28
const TOP = 56
const BOTTOM = 14
const WHISKER_HEIGHT = 8

const STYLE = `text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 15px } .caption { fill: #59636e }
.bar { fill: #8c959f } .ours { fill: #0969da } .whisker { stroke: #1f2328; stroke-width: 1.5; fill: none } .line { stroke: #59636e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .caption { fill: #9198a1 } .bar { fill: #656c76 } .ours { fill: #4493f8 } .whisker { stroke: #e6edf3 } .line { stroke: #9198a1 } }`

/** The chart as a whole document. Bars whose value is no number are left out. */
export function barChart ({ title, caption, bars, digits, line }: Chart): string {
  const drawn = bars.filter(({ value }) => Number.isFinite(value))
  const most = Math.max(line ?? 0, ...drawn.map(({ value, high }) => Math.max(value, Number.isFinite(high) ? high : 0)))
  const scale = (WIDTH - LABEL_WIDTH - FIGURE_WIDTH) / (most > 0 ? most : 1)
  const height = TOP + drawn.length * ROW_HEIGHT + BOTTOM
  const x = (value: number): string => (LABEL_WIDTH + value * scale).toFixed(1)
  const mark = line === undefined ? '' : `<path class="line" d="M${x(line)} ${TOP - 6}V${height - BOTTOM}"/>\n`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
<style>${STYLE}</style>
<text class="title" x="8" y="20">${escape(title)}</text>
<text class="caption" x="8" y="40">${escape(caption)}</text>
${mark}${drawn.map((bar, row) => barAt(bar, TOP + row * ROW_HEIGHT, digits, x)).join('\n')}
</svg>
`
}

function barAt ({ label, value, low, high, isOurs }: Bar, top: number, digits: number, x: (value: number) => string): string {
  const middle = top + BAR_HEIGHT / 2
  const width = (Number(x(value)) - LABEL_WIDTH).toFixed(1)
  const hasSpread = Number.isFinite(low) && Number.isFinite(high)
  const half = WHISKER_HEIGHT / 2
  const whisker = hasSpread
    ? `<path class="whisker" d="M${x(low)} ${middle}H${x(high)}M${x(low)} ${middle - half}v${WHISKER_HEIGHT}M${x(high)} ${middle - half}v${WHISKER_HEIGHT}"/>`
    : ''
  return `<text x="${LABEL_WIDTH - 8}" y="${middle + 4}" text-anchor="end">${escape(label)}</text>` +
    `<rect class="bar${isOurs ? ' ours' : ''}" x="${LABEL_WIDTH}" y="${top}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>${whisker}` +
    `<text x="${WIDTH - 8}" y="${middle + 4}" text-anchor="end">${value.toFixed(digits)}</text>`
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
