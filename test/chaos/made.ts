/** Faults, gateways and figures that a test makes up. */
import type { Figures } from '../../chaos/statistics.ts'
import type { OtherGateway } from '../../chaos/gateways/peers.ts'
import type { Fault, Gateway } from '../../chaos/types.ts'

export function madeFault (made: Partial<Fault> = {}): Fault {
  return { name: 'killed', title: 'Killed', about: 'It is dead.', victims: ['b2'], field: 'nginx', steps: [], ...made }
}

export function madeGateway (made: Partial<Gateway> = {}): Gateway {
  return { name: 'round-robin', settings: 'defaults', isOurs: true, start: async () => { throw new Error('it is made up') }, ...made }
}

/** `version`: undefined: not on this machine. */
export function madePeer (name: string, version?: string): OtherGateway {
  return { ...madeGateway({ name, settings: 'usual', isOurs: false }), about: 'Made up.', version: () => version }
}

export function madeFigures (made: Partial<Figures> = {}): Figures {
  return {
    requests: 1_000,
    errors: 0,
    kinds: new Map(),
    rateBefore: 300,
    rateDuring: 200.4,
    before: { p99Ms: 2.2, longestMs: 7 },
    during: { p99Ms: 40, longestMs: 4_001 },
    errorsStopMs: undefined,
    shareBackMs: 100,
    ...made
  }
}
