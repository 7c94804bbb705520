/** Requests that are slow now and then, wherever they go: with and without a second attempt. */
import { type BackendModel, constant, lognormal, sometimes } from '../../src/testing/index.ts'
import type { Scenario } from '../types.ts'
import { alike, SECOND_MS, WEB } from './common.ts'

export const tail: Scenario = {
  name: 'tail',
  title: 'One request in fifty is slow, wherever it goes',
  about: 'Ten backends, all of which take 500 ms for two requests in a hundred, and 20 ms for the others. 800 requests a second: 60% of ' +
    'what they can serve.',
  options: {
    backends: alike(10, { ...WEB, service: sometimes(0.02, constant(500), lognormal({ meanMs: 20 })) }),
    traffic: { arrivals: { ratePerS: 800 } },
    durationMs: 40 * SECOND_MS,
    warmUpMs: 10 * SECOND_MS
  }
}

export const tailHedged: Scenario = {
  name: 'tail-hedged',
  title: 'One request in fifty is slow, and has a second chance',
  about: 'As `tail`, with `HEDGING=on`. A backend does not notice that nobody waits for its answer any more, and works on.',
  options: { ...tail.options, settings: { HEDGING: 'on' } }
}

export const tailNoticed: Scenario = {
  name: 'tail-noticed',
  title: 'One request in fifty is slow, has a second chance, and who loses the race stops',
  about: 'As `tail`, with `HEDGING=on`, and backends that stop working on what nobody waits for any more.',
  options: { ...tailHedged.options, backends: tail.options.backends.map((backend) => noticing(backend)) }
}

function noticing (backend: BackendModel): BackendModel {
  return { ...backend, noticesLeavers: true }
}
