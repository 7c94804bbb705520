/** HTTP/2 between clients and the gateway. */
import { h2load } from '../load/h2load.ts'
import { hasTool } from '../tools.ts'
import type { Scenario } from '../types.ts'
import { AGAINST_US, everyPeer, throughput, throughputMetrics } from './common.ts'

const CONNECTIONS = 16
const STREAMS = 8

const takers = everyPeer(['tls', 'http2'], { protocol: 'h2' })

export const http2: Scenario = {
  name: 'http2',
  title: 'HTTP/2 towards clients',
  about: `Small GET with TLS, ${CONNECTIONS} connections with ${STREAMS} requests at a time on each (h2load), HTTP/1.1 to the backends.`,
  metrics: throughputMetrics('request', 'requests'),
  comparison: AGAINST_US,
  field: (peers) => {
    if (hasTool('h2load')) return takers(peers)
    return { entrants: [], missing: peers.map(({ name }) => ({ name, reason: 'h2load is not on this machine' })) }
  },
  measure: async (target, _site, load) => await throughput(target, async () => {
    const { requests, errors } = await h2load({ url: `${target.origin}/`, connections: load.connections ?? CONNECTIONS, streams: STREAMS, seconds: load.seconds })
    return { units: requests, errors, seconds: load.seconds }
  })
}
