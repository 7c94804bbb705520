/** What it costs to be several threads: Fastlancer against itself. */
import { wrk } from '../load/wrk.ts'
import { fastlancer, OURS } from '../peers/fastlancer.ts'
import type { Entrant, Scenario } from '../types.ts'
import { throughput, throughputMetrics } from './common.ts'

export const ONE_WORKER = `${OURS}, WORKERS=1`
export const TWO_WORKERS = `${OURS}, WORKERS=2`

/** Each worker gets the same load. */
const CONNECTIONS_A_WORKER = 64

const [rate, cpu, busy] = throughputMetrics('request', 'requests')

export const workers: Scenario = {
  name: 'workers',
  title: 'One thread and several',
  about: `Small GET, ${CONNECTIONS_A_WORKER} connections a worker (wrk), so that each of them has what one alone has. All workers share the one processor of the gateways: the ` +
    'rate cannot grow, and the processor time of a request is what several threads cost.',
  metrics: [cpu, rate, busy].filter((metric) => metric !== undefined),
  comparison: { title: 'against one', one: 'WORKERS=1 is 1', pairOf: (name) => name === ONE_WORKER ? undefined : { over: name, under: ONE_WORKER } },
  field: (peers) => ({ entrants: peers.includes(fastlancer) ? [entrant(ONE_WORKER, '1'), entrant(TWO_WORKERS, '2')] : [], missing: [] }),
  measure: async (target, _site, load) => await throughput(target, async () => {
    const connections = (load.connections ?? CONNECTIONS_A_WORKER) * Number(target.entrant.settings['WORKERS'])
    const { requests, errors, seconds, fault } = await wrk({ url: `${target.origin}/`, connections, seconds: load.seconds })
    return { units: requests - errors, errors, seconds, fault }
  })
}

function entrant (name: string, count: string): Entrant {
  return { name, peer: fastlancer, protocol: 'http', backends: 'files', settings: { WORKERS: count } }
}
