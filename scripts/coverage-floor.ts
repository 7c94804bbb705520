/** Runs after tap: fails if too little of the code was run by the tests. Reads the summary that tap's coverage report leaves. */
import { readFileSync } from 'node:fs'

const SUMMARY = '.tap/report/coverage-summary.json'

/** In percent. */
const FLOOR = { lines: 95, branches: 90 } as const

const summary: unknown = JSON.parse(readFileSync(SUMMARY, 'utf8'))

for (const [kind, floor] of Object.entries(FLOOR)) {
  const covered = percentage(summary, kind)
  const text = `coverage of ${kind}: ${covered}%, floor ${floor}%`
  if (covered >= floor) console.log(text)
  else {
    console.error(`not ok - ${text}: add tests`)
    process.exitCode = 1
  }
}

/** The total of `kind` in istanbul's summary, `{ total: { lines: { pct } } }`. */
function percentage (report: unknown, kind: string): number {
  const value = field(field(field(report, 'total'), kind), 'pct')
  if (typeof value !== 'number') throw new Error(`${SUMMARY} has no total.${kind}.pct: run the whole suite with coverage`)
  return value
}

function field (object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? new Map<string, unknown>(Object.entries(object)).get(name) : undefined
}
