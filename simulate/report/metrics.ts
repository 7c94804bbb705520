/** What policies are compared by. */
import type { SimulationResult } from '../../src/testing/index.ts'
import type { Played } from '../types.ts'

export interface Metric {
  readonly key: string
  readonly title: string
  /** In a sentence. */
  readonly about: string
  readonly digits: number
  /** Which way is better; `none`: it only explains. */
  readonly better: 'less' | 'more' | 'none'
  readonly isPlotted: boolean
  /** NaN where there is no such thing. */
  readonly of: (result: SimulationResult) => number
}

const PERCENT = 100

export const METRICS: readonly Metric[] = [
  {
    key: 'p50', title: 'p50, ms', about: 'half of the good answers took no longer than this', digits: 1, better: 'less', isPlotted: false,
    of: ({ latency }) => latency.quantile(0.5)
  },
  {
    key: 'p99', title: 'p99, ms', about: '99 of 100 good answers took no longer', digits: 0, better: 'less', isPlotted: true,
    of: ({ latency }) => latency.quantile(0.99)
  },
  {
    key: 'p999', title: 'p99.9, ms', about: '999 of 1,000 good answers took no longer', digits: 0, better: 'less', isPlotted: false,
    of: ({ latency }) => latency.quantile(0.999)
  },
  {
    key: 'failed', title: 'failed, %', about: 'requests whose client got a status of 500 or more, or left', digits: 2, better: 'less', isPlotted: true,
    of: ({ failed, requests }) => PERCENT * failed / requests
  },
  {
    key: 'retries', title: 'retries, %', about: 'attempts beyond the first, hedged ones included, per 100 requests', digits: 2, better: 'less', isPlotted: true,
    of: ({ retries, requests }) => PERCENT * retries / requests
  },
  {
    key: 'busiest', title: 'busiest, ×', about: 'attempts of the backend that got most for its weight, over the mean', digits: 2, better: 'none', isPlotted: true,
    of: busiest
  },
  {
    key: 'peak', title: 'most at one', about: 'the most requests that one backend had at a time, waiting ones included', digits: 0, better: 'none', isPlotted: false,
    of: ({ backends }) => backends.reduce((most, { peak }) => Math.max(most, peak), 0)
  },
  {
    key: 'moved', title: 'keys moved, %', about: 'requests whose key was served by another backend the time before', digits: 1, better: 'less', isPlotted: true,
    of: ({ keysMoved }) => PERCENT * keysMoved
  },
  {
    key: 'hits', title: 'hits, %', about: 'requests that the backend had the answer to in its cache', digits: 1, better: 'more', isPlotted: true,
    of: ({ hits }) => PERCENT * hits
  },
  {
    key: 'rate', title: 'answers/s', about: 'good answers a second', digits: 0, better: 'more', isPlotted: true,
    of: ({ ratePerS }) => ratePerS
  }
]

/** The metrics that say something of a scenario. A rate does so only where the clients wait. */
export function metricsOf ({ scenario, results }: Played): readonly Metric[] {
  return METRICS.filter(({ key, of }) => key === 'rate' ? 'clients' in scenario.options.traffic.arrivals : results.some((result) => !Number.isNaN(of(result))))
}

/** The metric of this name; throws if there is none. */
export function metricOf (name: string): Metric {
  const metric = METRICS.find(({ key }) => key === name)
  if (metric === undefined) throw new Error(`no metric "${name}"; there are ${METRICS.map(({ key }) => key).join(', ')}`)
  return metric
}

/** As it stands in tables; a dash where there is no such thing. */
export function valueText ({ digits, of }: Metric, result: SimulationResult): string {
  const value = of(result)
  return Number.isNaN(value) ? '-' : value.toFixed(digits)
}

function busiest ({ backends }: SimulationResult): number {
  const attempts = backends.reduce((sum, backend) => sum + backend.attempts, 0)
  const weights = backends.reduce((sum, { weight }) => sum + weight, 0)
  return backends.reduce((most, backend) => Math.max(most, backend.attempts / backend.weight), 0) * weights / attempts
}
