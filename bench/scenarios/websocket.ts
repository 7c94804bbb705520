/** Messages of WebSocket, there and back. */
import { runProgram } from '../load/programs.ts'
import type { Scenario } from '../types.ts'
import { addressOf, AGAINST_US, everyPeer, throughput, throughputMetrics } from './common.ts'

const CONNECTIONS = 64
const MESSAGE_BYTES = 64

export const websocket: Scenario = {
  name: 'websocket',
  title: 'WebSocket messages',
  about: `Messages of ${MESSAGE_BYTES} bytes that a backend echoes, one at a time on each of ${CONNECTIONS} connections; there and back counts as one.`,
  metrics: throughputMetrics('message', 'messages'),
  comparison: AGAINST_US,
  field: everyPeer(['forwarding', 'websocket'], { backends: 'bodies' }),
  measure: async (target, site, load) => await throughput(target, async () => {
    const { messages = 0, seconds = NaN } = await runProgram(site, 'websocket', {
      address: addressOf(target), seconds: load.seconds, connections: load.connections ?? CONNECTIONS, bytes: MESSAGE_BYTES
    })
    return { units: messages, seconds }
  })
}
