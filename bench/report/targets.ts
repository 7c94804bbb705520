/** What was aimed at, and what was measured. The verdict is arithmetic: the median against the number. */
import { caddy } from '../peers/caddy.ts'
import { OURS } from '../peers/fastlancer.ts'
import { goDefault, goTuned } from '../peers/go.ts'
import { nginx } from '../peers/nginx.ts'
import { fastGateway, httpProxy, httpProxy3, httpxy } from '../peers/node.ts'
import { backends } from '../scenarios/backends.ts'
import { answers1m } from '../scenarios/download.ts'
import { idle } from '../scenarios/idle.ts'
import { latency } from '../scenarios/latency.ts'
import { options, WITH_HOOKS } from '../scenarios/options.ts'
import { small } from '../scenarios/small.ts'
import { ONE_WORKER, TWO_PROCESSES, TWO_WORKERS, workers } from '../scenarios/workers.ts'
import { median, ratios, type Spread, spreadOf } from '../stats.ts'
import type { Result, Scenario } from '../types.ts'
import { spreadText, table, valuesOf } from './table.ts'

interface Target {
  readonly title: string
  readonly scenario: Scenario
  readonly metric: string
  readonly over: string
  /** Whose value it is divided by: the first of the best there is among them; none: the value itself. */
  readonly under: readonly string[]
  readonly must: number
  readonly aim: number
  /** Whether the numbers are upper bounds. */
  readonly isAtMost?: boolean
  readonly unit?: string
}

const OTHER_NODE_GATEWAYS = [fastGateway, httpProxy3, httpxy].map(({ name }) => name)

const TARGETS: readonly Target[] = [
  throughput(`${httpProxy.name} as it comes`, [httpProxy.name], 2.3, 3),
  throughput('the design it began as, in Go, as it is', [goDefault.name], 3, 4),
  throughput('the same, tuned', [goTuned.name], 1.6, 2.2),
  throughput('Caddy', [caddy.name], 2, 2.8),
  throughput('the best other Node gateway', OTHER_NODE_GATEWAYS, 1.7, 2.3),
  throughput('nginx', [nginx.name], 0.48, 0.6),
  { title: 'p99 latency at half load against nginx', scenario: latency, metric: 'p99', over: OURS, under: [nginx.name], must: 3, aim: 2, isAtMost: true },
  { title: '1 MiB answers against nginx, bytes a second', scenario: answers1m, metric: 'rate', over: OURS, under: [nginx.name], must: 0.65, aim: 0.9 },
  { title: '10,000 backends against 3', scenario: backends, metric: 'rate', over: `${OURS}, 10000`, under: [`${OURS}, 3`], must: 0.97, aim: 1 },
  { title: 'no-op onRequest and onSend of a plugin against none', scenario: options, metric: 'rate', over: WITH_HOOKS, under: [OURS], must: 0.9, aim: 0.95 },
  workersCpu('one with half the load', ONE_WORKER),
  workersCpu('two processes of one thread', TWO_PROCESSES),
  { title: 'memory of an idle connection', scenario: idle, metric: 'kib', over: OURS, under: [], must: 20, aim: 10, isAtMost: true, unit: ' KiB' }
]

/** All targets as a table; what was not measured in this run says so. */
export function targetTable (results: readonly Result[]): string {
  const rows = TARGETS.map((target) => {
    const { title, must, aim, isAtMost = false, unit = '' } = target
    const { measured, against } = measure(target, results)
    const bound = isAtMost ? 'at most ' : ''
    const name = against === undefined ? title : `${title} (${against})`
    return [
      name, `${bound}${must}${unit}`, `${bound}${aim}${unit}`, measured === undefined ? 'not measured' : spreadText(measured, 2), verdict(measured, must, isAtMost), verdict(measured, aim, isAtMost)
    ]
  })
  return table(['Fastlancer against', 'must', 'aim', 'measured', 'must met', 'aim met'], rows)
}

/** `met`, `not met`, or a dash for what was not measured. */
export function verdict (measured: Spread | undefined, bound: number, isAtMost: boolean): string {
  if (measured === undefined || Number.isNaN(measured.median)) return '-'
  const isMet = isAtMost ? measured.median <= bound : measured.median >= bound
  return isMet ? 'met' : 'not met'
}

function measure ({ scenario, metric, over, under }: Target, results: readonly Result[]): { measured: Spread | undefined, against?: string } {
  const result = results.find((one) => one.scenario.name === scenario.name)
  if (result === undefined) return { measured: undefined }
  const values = valuesOf(result, over, metric)
  if (under.length === 0) return { measured: spreadOf(values.filter((value) => value !== undefined)) }
  const best = bestOf(result, metric, under)
  if (best === undefined) return { measured: undefined }
  const measured = spreadOf(ratios(values, valuesOf(result, best, metric)))
  return under.length > 1 ? { measured, against: best } : { measured }
}

/** The one with the highest median. */
function bestOf (result: Result, metric: string, names: readonly string[]): string | undefined {
  const there = names.filter((name) => result.samples.has(name))
  const mediansOf = new Map(there.map((name) => [name, median(valuesOf(result, name, metric).filter((value) => value !== undefined))]))
  return there.toSorted((a, b) => (mediansOf.get(b) ?? 0) - (mediansOf.get(a) ?? 0))[0]
}

function throughput (title: string, under: readonly string[], must: number, aim: number): Target {
  return { title: `${title}, requests/s`, scenario: small, metric: 'rate', over: OURS, under, must, aim }
}

function workersCpu (against: string, under: string): Target {
  return { title: `CPU a request, two workers against ${against}`, scenario: workers, metric: 'cpu', over: TWO_WORKERS, under: [under], must: 1.05, aim: 1, isAtMost: true }
}
