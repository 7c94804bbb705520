/** The number of backends. */
import { wrk } from '../load/wrk.ts'
import type { Comparison, Entrant, Peer, Scenario } from '../types.ts'
import { obstacle, throughput, throughputMetrics } from './common.ts'

const FEW = 3
const NUMBERS = [FEW, 100, 1_000, 10_000]
const CONNECTIONS = 64

/** Requests that each backend gets before a slice: from then on there is a kept connection to each. */
const LEAD_IN_REQUESTS = 1
const LEAD_IN_SECONDS = 1
const MOST_LEAD_INS = 40

/** Fastlancer probes all backends when it starts; a second round of so many would be a load of its own within the slices. */
const PROBE_INTERVAL_MS = 3_600_000

const OWN_FEW: Comparison = {
  title: `against itself with ${FEW}`,
  one: `itself with ${FEW} backends = 1`,
  pairOf: (entrant) => entrant.endsWith(`, ${FEW}`) ? undefined : { over: entrant, under: entrant.replace(/, \d+$/, `, ${FEW}`) }
}

export const backends: Scenario = {
  name: 'backends',
  title: `${NUMBERS.join(', ')} backends`,
  about: `Small GET, ${CONNECTIONS} connections (wrk), to as many addresses of 127.0.0.0/8. Before each slice there is load until every backend has had a request, ` +
    'so that connections are there. nginx keeps one connection a backend; HAProxy takes `static-rr` for 10,000. Fastlancer has probed all backends before (`HEALTH_INTERVAL_MS` of an hour ' +
    'keeps further rounds out of the slices); the others do not probe. Slices of one process lie a minute apart here, and a process ' +
    'with few backends has less load before its slice: it costs twice as much a request as in the first scenario, most likely because V8 has dropped code that was not used. So what the ratios of Fastlancer say is too good.',
  metrics: throughputMetrics('request', 'requests'),
  comparison: OWN_FEW,
  field: (peers) => {
    const able = peers.filter((peer) => obstacle(peer, ['forwarding', 'many-backends']) === undefined)
    return {
      entrants: able.flatMap((peer) => NUMBERS.map((number) => entrantOf(peer, number))),
      missing: peers.flatMap((peer) => {
        const reason = obstacle(peer, ['forwarding', 'many-backends'])
        return reason === undefined ? [] : [{ name: peer.name, reason }]
      })
    }
  },
  measure: async (target, _site, load) => {
    const options = { url: `${target.origin}/`, connections: load.connections ?? CONNECTIONS }
    const number = Number(target.entrant.backends)
    let sent = 0
    for (let i = 0; i < MOST_LEAD_INS && sent < LEAD_IN_REQUESTS * number; i++) {
      const { requests } = await wrk({ ...options, seconds: LEAD_IN_SECONDS })
      sent += requests
    }
    return await throughput(target, async () => {
      const { requests, errors, seconds, fault } = await wrk({ ...options, seconds: load.seconds })
      return { units: requests - errors, errors, seconds, fault }
    })
  }
}

function entrantOf (peer: Peer, number: number): Entrant {
  return { name: `${peer.name}, ${number}`, peer, protocol: 'http', backends: number, settings: { HEALTH_INTERVAL_MS: String(PROBE_INTERVAL_MS) } }
}
