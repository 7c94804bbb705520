/** Backends of different sizes, whose weights say so or do not. */
import type { BackendModel } from '../../src/testing/index.ts'
import type { Scenario } from '../types.ts'
import { SECOND_MS, WEB } from './common.ts'

/** The requests that each works on at a time. */
const SIZES = [2, 2, 2, 2, 4, 4, 4, 8, 8, 16]

const sized = (servers: number, weight: number): BackendModel => ({ ...WEB, servers, weight })

export const mixedWeights: Scenario = {
  name: 'mixed-weights',
  title: 'Backends of different sizes, with weights',
  about: 'Ten backends, the largest of which can serve eight times as much as the smallest, with weights that say so. 80% of what they ' +
    'can serve together.',
  options: {
    backends: SIZES.map((servers) => sized(servers, servers / 2)),
    traffic: { arrivals: { ratePerS: 2_080 } },
    durationMs: 30 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS
  }
}

export const unknownSizes: Scenario = {
  name: 'unknown-sizes',
  title: 'Backends of different sizes, without weights',
  about: 'As `mixed-weights`, but nobody has told the gateway: all weights are 1.',
  options: { ...mixedWeights.options, backends: SIZES.map((servers) => sized(servers, 1)) }
}
