/** What options cost: Fastlancer against itself. */
import { join } from 'node:path'
import { fastlancer, OURS } from '../peers/fastlancer.ts'
import { ROOT } from '../site.ts'
import type { Entrant, Missing, Scenario } from '../types.ts'
import { requestScenario } from './requests.ts'

export const WITH_LOG = `${OURS}, access log`
export const WITH_HOOKS = `${OURS}, no-op hooks`

/** To come: as soon as there is a setting for them, a line like that of the access log. */
const NOT_THERE: readonly Missing[] = [{ name: `${OURS}, metrics`, reason: 'there are no metrics yet' }]

const byWrk = requestScenario({
  name: 'options',
  title: 'What options cost',
  about: 'Small GET, 64 connections (wrk). The access log goes to /dev/null: what it costs is the making of its lines. The hooks are a plugin of a user (`PLUGINS_DIR`) ' +
    'with an onRequest and an onSend that do nothing.'
})

export const options: Scenario = {
  ...byWrk,
  comparison: {
    title: 'against none of them',
    one: `${OURS} = 1`,
    pairOf: (name) => name === OURS ? undefined : { over: name, under: OURS }
  },
  field: (peers) => ({
    entrants: !peers.includes(fastlancer) ? [] : [
      entrant(OURS, {}),
      entrant(WITH_LOG, { ACCESS_LOG: 'on' }),
      entrant(WITH_HOOKS, { PLUGINS_DIR: join(ROOT, 'bench/peers/hooks') })
    ],
    missing: NOT_THERE
  })
}

function entrant (name: string, settings: Readonly<Record<string, string>>): Entrant {
  return { name, peer: fastlancer, protocol: 'http', backends: 'files', settings }
}
