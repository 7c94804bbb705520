/** A thousand gateways, none of which knows what the others send. */
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS } from './common.ts'

export const manyGateways: Scenario = {
  name: 'many-gateways',
  title: 'A thousand gateways',
  about: '1,000 gateways before 20 backends at 70%. Each gateway has 2.8 requests a second, knows of no others, and all are started at ' +
    'once with the same configuration. Policies by key are left out: without keys they are random.',
  policies: ['round-robin', 'weighted-round-robin', 'random', 'least-connections', 'power-of-two', 'peak-ewma'],
  options: { backends: alike(20), gateways: 1_000, traffic: { arrivals: { ratePerS: 2_800 } }, durationMs: 20 * SECOND_MS }
}
