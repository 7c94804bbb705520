/** What scenarios share: who takes part, what is measured of a slice, what is compared with what. */
import { OURS } from '../peers/fastlancer.ts'
import type { Comparison, Entrant, Feature, Field, Metric, Missing, Peer, Sample, Target } from '../types.ts'

const NANOS_PER_MICRO = 1_000
const NANOS_PER_SECOND = 1e9

/** With more errors than this a figure is none. */
const MAX_ERROR_SHARE = 0.01

/** Fastlancer against each of the others. */
export const AGAINST_US: Comparison = {
  title: `${OURS} against it`,
  one: `${OURS} = 1`,
  pairOf: (entrant) => entrant === OURS ? undefined : { over: OURS, under: entrant }
}

/** The part of one processor that the gateway had work for. Well below 1: the load or the backends were the limit. */
export const BUSY: Metric = { key: 'busy', title: 'processor busy', digits: 2, better: 'none' }

/** Metrics of a scenario that counts something. */
export function throughputMetrics (unit: string, units = unit): Metric[] {
  return [
    { key: 'rate', title: `${units}/s`, digits: 0, better: 'more' },
    { key: 'cpu', title: `CPU us/${unit}`, digits: 1, better: 'less' },
    BUSY
  ]
}

/** All peers that have what it takes, one entrant each. */
export function everyPeer (needs: readonly Feature[], shape: Partial<Entrant> = {}): (peers: readonly Peer[]) => Field {
  return (peers) => {
    const missing: Missing[] = []
    const entrants: Entrant[] = []
    for (const peer of peers) {
      const reason = obstacle(peer, needs)
      if (reason === undefined) entrants.push({ name: peer.name, peer, protocol: 'http', backends: 'files', settings: {}, ...shape })
      else missing.push({ name: peer.name, reason })
    }
    return { entrants, missing }
  }
}

/** Why a peer cannot take part; undefined if it can. */
export function obstacle (peer: Peer, needs: readonly Feature[]): string | undefined {
  if (peer.version() === undefined) return 'not on this machine'
  return needs.map((need) => peer.lacks[need]).find((reason) => reason !== undefined)
}

/** What the load counted. */
export interface Counted {
  /** Requests, messages or MiB. */
  readonly units: number
  /** How long it took, in seconds; default: by the clock. */
  readonly seconds?: number
  readonly errors?: number
  /** Which errors, for people. */
  readonly fault?: string
}

/** Runs a slice of load and reads the kernel's accounts before and after. */
export async function throughput (target: Target, slice: () => Promise<Counted>): Promise<Sample> {
  const cpuBefore = target.process.cpuNanos()
  const begun = performance.now()
  const { units, seconds, errors = 0, fault = `${errors} errors` } = await slice()
  const elapsed = (performance.now() - begun) / 1_000
  const cpu = target.process.cpuNanos() - cpuBefore
  if (target.process.hasEnded) throw new Error(`ended under load: ${target.process.lastWords()}`)
  if (units === 0 || errors > MAX_ERROR_SHARE * units) throw new Error(`${fault}, beside ${units.toFixed(0)} that went well`)
  return { rate: units / (seconds ?? elapsed), cpu: cpu / NANOS_PER_MICRO / units, busy: cpu / NANOS_PER_SECOND / elapsed, errors }
}

export function addressOf ({ port }: Target): string {
  return `127.0.0.1:${port}`
}
