/** What it costs to be several threads: Fastlancer against itself. */
import { runProgram } from '../load/programs.ts'
import { wrk } from '../load/wrk.ts'
import { warmUp } from '../measure.ts'
import { fastlancer, fastlancerTwice, OURS } from '../peers/fastlancer.ts'
import { untilAnswers } from '../ready.ts'
import type { Entrant, Metric, Peer, Scenario, Target } from '../types.ts'
import { BUSY, throughput } from './common.ts'

export const ONE_WORKER = `${OURS}, WORKERS=1`
export const TWO_WORKERS = `${OURS}, WORKERS=2`
export const TWO_PROCESSES = `${OURS}, two processes of WORKERS=1`

/** Low enough that two gateways, the load and the backends leave both processors some rest. */
const REQUESTS_A_SECOND = 2_000
const CONNECTIONS = 64

/** A slice of load is this much longer than elsewhere: what opening its connections costs is in it, and is not to count for much. */
const LONGER = 3

const METRICS: readonly Metric[] = [
  { key: 'cpu', title: 'CPU us/request', digits: 1, better: 'less' },
  { key: 'rate', title: 'requests/s', digits: 0, better: 'none' },
  BUSY
]

export const workers: Scenario = {
  name: 'workers',
  title: 'One thread and several',
  about: `Small GET at a constant rate, the same for each thread: ${REQUESTS_A_SECOND} a second on ${CONNECTIONS} connections. Of two threads one is on the gateways' processor, the other beside ` +
    'the load. What is compared with is two processes of one thread: they have the load and the places of two workers, and share nothing. One thread by itself has half of the load; on a ' +
    'machine that rests more it wakes up more often for as many requests, which makes them dearer.',
  metrics: METRICS,
  comparison: { title: 'against two processes', one: 'two processes = 1', pairOf: (name) => name === TWO_PROCESSES ? undefined : { over: name, under: TWO_PROCESSES } },
  field: (peers) => ({
    entrants: peers.includes(fastlancer) ? [entrant(ONE_WORKER, fastlancer, '1'), entrant(TWO_PROCESSES, fastlancerTwice, '1'), entrant(TWO_WORKERS, fastlancer, '2')] : [],
    missing: []
  }),
  prepare: async (target, _site, load) => {
    const threads = workersOf(target)
    for (const port of portsOf(target)) {
      const origin = `http://127.0.0.1:${port}`
      await untilAnswers(origin, target.process)
      // As fast as they can, and as long for each thread: at the rate of the slices it would take longer until all is compiled.
      await wrk({ url: `${origin}/`, connections: CONNECTIONS * threads, seconds: warmUp(load).seconds * threads })
    }
    target.process.spread(threads)
  },
  measure: async (target, site, load) => await throughput(target, async () => {
    const ports = portsOf(target)
    const threads = ports.length * workersOf(target)
    const { requests = 0, errors = 0, seconds = NaN } = await runProgram(site, 'rate', {
      address: ports.map((port) => `127.0.0.1:${port}`).join(','),
      rate: REQUESTS_A_SECOND * threads,
      seconds: load.seconds * LONGER,
      connections: (load.connections ?? CONNECTIONS) * threads
    })
    return { units: requests - errors, errors, seconds }
  })
}

function entrant (name: string, peer: Peer, count: string): Entrant {
  return { name, peer, protocol: 'http', backends: 'files', settings: { WORKERS: count } }
}

function portsOf ({ port, otherPorts = [] }: Target): number[] {
  return [port, ...otherPorts]
}

/** Of each process. */
function workersOf ({ entrant: { settings } }: Target): number {
  return Number(settings['WORKERS'])
}
