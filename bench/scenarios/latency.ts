/** Latency at half of what each peer can do. */
import { runProgram } from '../load/programs.ts'
import { wrk } from '../load/wrk.ts'
import { warmUp } from '../measure.ts'
import { median } from '../stats.ts'
import type { Load, Metric, Sample, Scenario, Target } from '../types.ts'
import { addressOf, AGAINST_US, BUSY, everyPeer, throughput } from './common.ts'

const CONNECTIONS = 64
const PEAK_SLICES = 3

/** A slice of load is this much longer than elsewhere: the last thousandth of few requests says nothing. */
const LONGER = 3

const METRICS: readonly Metric[] = [
  { key: 'p99', title: 'p99 us', digits: 0, better: 'less' },
  { key: 'p50', title: 'p50 us', digits: 0, better: 'less' },
  { key: 'p999', title: 'p99.9 us', digits: 0, better: 'less' },
  { key: 'offered', title: 'requests/s offered', digits: 0, better: 'none' },
  BUSY
]

/** Requests a second, by process. */
const peaks = new WeakMap<Target['process'], number>()

export const latency: Scenario = {
  name: 'latency',
  title: 'Latency at half load',
  about: `Small GET at a constant rate, half of what the same gateway has just done at its best (median of ${PEAK_SLICES} slices of wrk), on up to ${CONNECTIONS} connections. ` +
    'A latency counts from the moment at which the request should have been sent, whether or not a connection was free by then.',
  metrics: METRICS,
  comparison: AGAINST_US,
  field: everyPeer([]),
  prepare: async (target, _site, load) => {
    await peak(target, warmUp(load))
    const slices: number[] = []
    for (let i = 0; i < PEAK_SLICES; i++) slices.push(await peak(target, load))
    peaks.set(target.process, median(slices))
  },
  measure: async (target, site, load) => await measure(target, load, (flags) => runProgram(site, 'rate', flags))
}

async function peak (target: Target, load: Load): Promise<number> {
  const { requests, seconds } = await wrk({ url: `${target.origin}/`, connections: load.connections ?? CONNECTIONS, seconds: load.seconds })
  return requests / seconds
}

type Run = (flags: Readonly<Record<string, number | string>>) => Promise<Readonly<Record<string, number>>>

async function measure (target: Target, load: Load, run: Run): Promise<Sample> {
  const offered = Math.max(1, (peaks.get(target.process) ?? NaN) / 2)
  let figures: Readonly<Record<string, number>> = {}
  const { busy = NaN } = await throughput(target, async () => {
    figures = await run({ address: addressOf(target), rate: Math.round(offered), seconds: load.seconds * LONGER, connections: load.connections ?? CONNECTIONS })
    return { units: figures['requests'] ?? 0, errors: figures['errors'] ?? 0 }
  })
  const { p50Micros: p50 = NaN, p99Micros: p99 = NaN, p999Micros: p999 = NaN, errors = 0 } = figures
  return { p50, p99, p999, offered, busy, errors }
}
