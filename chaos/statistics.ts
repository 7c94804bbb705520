/** What is read from the samples of a play. */
import { quantile } from '../bench/stats.ts'
import type { Sample } from './load/sample.ts'

/** Moments of a play, on the clock of the samples, in ms. */
export interface Timeline {
  /** What was sent before does not count. */
  readonly zeroMs: number
  /** The begin of the fault. */
  readonly begunMs: number
  /** Its end: all is as it was. */
  readonly endedMs: number
  /** When the last request was sent. */
  readonly stopMs: number
}

export interface Latency {
  readonly p99Ms: number
  readonly longestMs: number
}

export interface Figures {
  readonly requests: number
  readonly errors: number
  /** How many of each kind, by the word of the sample. */
  readonly kinds: ReadonlyMap<string, number>
  /** Good answers a second. */
  readonly rateBefore: number
  readonly rateDuring: number
  /** Of requests whose answers came before the fault, and of those that were under way at some time of it; undefined: there were none. */
  readonly before: Latency | undefined
  readonly during: Latency | undefined
  /** From the begin of the fault to the last error; undefined: there was none after it. */
  readonly errorsStopMs: number | undefined
  /** From its end until the victims have half of the share again that they had before, or more; undefined: not before the play ended. */
  readonly shareBackMs: number | undefined
}

/** Shares are those of half a second, looked at every tenth of one. */
const WINDOW_MS = 500
const STRIDE_MS = 100

/** Policies that look at times do not give everyone a third. */
const ENOUGH_OF_SHARE = 0.5

export function figuresOf (all: readonly Sample[], timeline: Timeline, victims: readonly string[]): Figures {
  const { zeroMs, begunMs, endedMs } = timeline
  const samples = all.filter((sample) => sample.begunMs >= zeroMs)
  const bad = samples.filter(({ fault }) => fault !== '')
  const good = samples.filter(({ fault }) => fault === '')
  const lastErrorMs = bad.reduce((last, sample) => Math.max(last, endOf(sample)), -Infinity)
  return {
    requests: samples.length,
    errors: bad.length,
    kinds: countKinds(bad),
    rateBefore: rate(good, zeroMs, begunMs),
    rateDuring: rate(good, begunMs, endedMs),
    before: latency(samples.filter((sample) => endOf(sample) < begunMs)),
    during: latency(samples.filter((sample) => endOf(sample) >= begunMs && sample.begunMs < endedMs)),
    errorsStopMs: lastErrorMs >= begunMs ? lastErrorMs - begunMs : undefined,
    shareBackMs: shareBack(good, timeline, victims)
  }
}

function endOf ({ begunMs, tookMs }: Sample): number {
  return begunMs + tookMs
}

function countKinds (samples: readonly Sample[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { fault } of samples) counts.set(fault, (counts.get(fault) ?? 0) + 1)
  return counts
}

/** Samples that ended within a time, a second. */
function rate (samples: readonly Sample[], fromMs: number, toMs: number): number {
  const count = samples.filter((sample) => endOf(sample) >= fromMs && endOf(sample) < toMs).length
  return count * 1_000 / (toMs - fromMs)
}

function latency (samples: readonly Sample[]): Latency | undefined {
  if (samples.length === 0) return undefined
  const times = samples.map(({ tookMs }) => tookMs)
  return { p99Ms: quantile(times, 0.99), longestMs: quantile(times, 1) }
}

/** By when requests were sent: answers that had been waited for since the fault say nothing about who is chosen now. */
function shareBack (good: readonly Sample[], { zeroMs, begunMs, endedMs, stopMs }: Timeline, victims: readonly string[]): number | undefined {
  const wanted = ENOUGH_OF_SHARE * (shareOf(good, zeroMs, begunMs, victims) ?? 0)
  for (let fromMs = endedMs; fromMs + WINDOW_MS <= stopMs; fromMs += STRIDE_MS) {
    const share = shareOf(good, fromMs, fromMs + WINDOW_MS, victims)
    if (share !== undefined && share > 0 && share >= wanted) return fromMs - endedMs
  }
  return undefined
}

/** Of no answers at all: undefined. */
function shareOf (good: readonly Sample[], fromMs: number, toMs: number, victims: readonly string[]): number | undefined {
  const sent = good.filter(({ begunMs }) => begunMs >= fromMs && begunMs < toMs)
  return sent.length === 0 ? undefined : sent.filter(({ backend }) => victims.includes(backend)).length / sent.length
}
