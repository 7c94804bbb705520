/** One of ten becomes slow without failing, before clients that come anyway and before clients that wait. */
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS, WEB } from './common.ts'

const changes = [
  { atMs: 10 * SECOND_MS, backends: [0], state: { slowness: 10 } },
  { atMs: 30 * SECOND_MS, backends: [0], state: { slowness: 1 } }
]

export const slowBackend: Scenario = {
  name: 'slow-backend',
  title: 'One backend becomes slow',
  about: 'Ten backends at 60%. From the 10th to the 30th second one of them takes ten times as long for everything. It answers, and its ' +
    'probes are good.',
  options: { backends: alike(10), traffic: { arrivals: { ratePerS: 1_200 } }, durationMs: 40 * SECOND_MS, warmUpMs: 5 * SECOND_MS, changes }
}

export const slowBackendClosed: Scenario = {
  name: 'slow-backend-closed',
  title: 'One backend becomes slow, before clients that wait',
  about: 'As `slow-backend`, but the load is that of 32 clients, each of which asks again as soon as it has its answer: those that wait ' +
    'for the slow one do not ask the others meanwhile.',
  options: { ...slowBackend.options, traffic: { arrivals: { clients: 32 } } }
}

export const slowBackendLimited: Scenario = {
  name: 'slow-backend-limited',
  title: 'One backend becomes slow, but has its limit',
  about: 'As `slow-backend`, with `max=16` for each backend: the slow one is passed over while it has 16 requests in flight.',
  options: { ...slowBackend.options, backends: alike(10, { ...WEB, maxInFlight: 16 }) }
}
