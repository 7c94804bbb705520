/** What is put before a fault, in the order of its table. */
import type { Arguments } from './arguments.ts'
import { FAULTS_OF_PEERS } from './faults/index.ts'
import { ours } from './gateways/ours.ts'
import type { OtherGateway } from './gateways/peers.ts'
import { ADVISED, adviceFor, DEFAULTS, type Known } from './settings.ts'
import { OVERHEAD_MS, STOP_MS, WARM_UP_MS } from './times.ts'
import type { Fault, Gateway } from './types.ts'

export interface Program {
  readonly fault: Fault
  readonly gateways: readonly Gateway[]
  /** What is left out, a sentence each. */
  readonly notes: readonly string[]
}

type Choice = Pick<Arguments, 'policies' | 'settings' | 'peers'>

/** `advice` and `missing` (why the fault cannot be played): as this checkout and this machine have them. */
export function programOf (fault: Fault, { policies, settings, peers }: Choice, advice: Known = adviceFor(fault.name), missing = fault.missing?.()): Program {
  if (missing !== undefined) return { fault, gateways: [], notes: [`Skipped: ${missing}.`] }
  const isAdvised = settings.includes(ADVISED)
  const hasAdvice = Object.keys(advice.values).length > 0
  const comers = FAULTS_OF_PEERS.some(({ name }) => name === fault.name) ? peers : []
  return {
    fault,
    gateways: [
      ...settings.includes(DEFAULTS) ? policies.map((policy) => ours(policy, DEFAULTS, {})) : [],
      ...isAdvised && hasAdvice ? policies.map((policy) => ours(policy, ADVISED, advice.values)) : [],
      ...comers.filter(isThere)
    ],
    notes: [
      ...isAdvised && advice.unknown.length > 0 ? [`${hasAdvice ? 'Left out of' : 'No plays with'} the advised settings, because this checkout does not have them: ${advice.unknown.join(', ')}.`] : [],
      ...comers.filter((peer) => !isThere(peer)).map(({ name }) => `${name} is not on this machine.`)
    ]
  }
}

/** How long they take, in ms, about. */
export function durationMs (programs: readonly Program[]): number {
  return programs.reduce((sum, { gateways }) => sum + gateways.length, 0) * (WARM_UP_MS + STOP_MS + OVERHEAD_MS)
}

function isThere (peer: OtherGateway): boolean {
  return peer.version() !== undefined
}
