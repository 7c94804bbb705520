/** The policies that come with the gateway, by the names that they have in the configuration. */
import type { PolicyFactory } from '../policy.ts'
import { boundedHash } from './bounded-hash.ts'
import { consistentHash } from './consistent-hash.ts'
import { leastConnections } from './least-connections.ts'
import { peakEwma } from './peak-ewma.ts'
import { powerOfTwo } from './power-of-two.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { weightedRoundRobin } from './weighted-round-robin.ts'

export const BUILT_IN_POLICIES: ReadonlyMap<string, PolicyFactory> = new Map([
  ['round-robin', roundRobin],
  ['weighted-round-robin', weightedRoundRobin],
  ['random', random],
  ['least-connections', leastConnections],
  ['power-of-two', powerOfTwo],
  ['peak-ewma', peakEwma],
  ['consistent-hash', consistentHash],
  ['bounded-hash', boundedHash]
])

/** Those of them that know no slow start: keys would move twice. */
export const WITHOUT_SLOW_START: ReadonlySet<string> = new Set(['consistent-hash', 'bounded-hash'])
