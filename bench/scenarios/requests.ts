/** Scenarios that wrk can make. */
import { FILES } from '../backends.ts'
import { wrk } from '../load/wrk.ts'
import type { BackendKind, Feature, Protocol, Scenario } from '../types.ts'
import { AGAINST_US, everyPeer, throughput, throughputMetrics } from './common.ts'

const MIB = 1_024 * 1_024

export interface RequestScenario {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly connections?: number
  readonly path?: string
  /** `name: value`. */
  readonly fields?: readonly string[]
  readonly postBytes?: number
  readonly protocol?: Protocol
  readonly backends?: BackendKind
  readonly needs?: readonly Feature[]
  /** Whether MiB are counted in place of requests. */
  readonly countsBytes?: boolean
}

const DEFAULT_CONNECTIONS = 64

export function requestScenario (options: RequestScenario): Scenario {
  const { name, title, about, connections = DEFAULT_CONNECTIONS, path = '/', fields, postBytes, protocol = 'http', backends = 'files', needs = ['forwarding'], countsBytes = false } = options
  return {
    name,
    title,
    about,
    metrics: countsBytes ? throughputMetrics('MiB') : throughputMetrics('request', 'requests'),
    comparison: AGAINST_US,
    field: everyPeer(needs, { protocol, backends }),
    measure: async (target, _site, load) => await throughput(target, async () => {
      const { requests, errors, seconds, fault } = await wrk({
        url: `${target.origin}${path}`, connections: load.connections ?? connections, seconds: load.seconds, ...(fields && { fields }), ...(postBytes !== undefined && { postBytes })
      })
      const good = requests - errors
      return { units: countsBytes ? good * bytesOf(path) / MIB : good, errors, seconds, fault }
    })
  }
}

function bytesOf (path: string): number {
  const bytes = Object.entries(FILES).find(([file]) => file === path)?.[1]
  if (bytes === undefined) throw new Error(`no file at ${path}`)
  return bytes
}
