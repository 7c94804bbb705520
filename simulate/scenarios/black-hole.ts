/** A backend that fails fast looks idle: with and without being taken out for it. */
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS } from './common.ts'

export const blackHole: Scenario = {
  name: 'black-hole',
  title: 'One backend answers 500 at once',
  about: 'Ten backends at 50%. From the 10th to the 30th second one of them answers every request with 500 within a millisecond; its ' +
    'probes are good. All settings are the defaults: a 500 is an answer like any other.',
  options: {
    backends: alike(10),
    traffic: { arrivals: { ratePerS: 1_000 } },
    durationMs: 40 * SECOND_MS,
    warmUpMs: 5 * SECOND_MS,
    changes: [
      { atMs: 10 * SECOND_MS, backends: [0], state: { errors: { status: 500, ratio: 1, ms: 1 } } },
      { atMs: 30 * SECOND_MS, backends: [0], state: { errors: undefined } }
    ]
  }
}

export const blackHoleEjected: Scenario = {
  name: 'black-hole-ejected',
  title: 'One backend answers 500 at once, and is ejected for it',
  about: 'As `black-hole`, with `EJECT_STATUSES=5xx` and `RETRY_STATUSES=5xx`.',
  options: { ...blackHole.options, settings: { EJECT_STATUSES: '5xx', RETRY_STATUSES: '5xx' } }
}
