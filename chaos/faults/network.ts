/** Faults of the network between the gateway and a backend. */
import { VICTIM } from '../backends/field.ts'
import { namespaceFault } from '../backends/namespace.ts'
import type { Fault } from '../types.ts'
import { FAULT_MS } from './common.ts'

export const blackholed: Fault = {
  name: 'blackholed',
  title: 'Blackholed',
  about: 'Nothing comes back from one backend, neither data nor a refusal, as behind a firewall that drops packets or a cable that is pulled. It is in a network namespace whose way back is taken.',
  victims: [VICTIM],
  field: 'isolated',
  steps: [
    { atMs: 0, act: async ({ network }) => network?.drop() },
    { atMs: FAULT_MS, act: async ({ network }) => network?.pass() }
  ],
  missing: namespaceFault
}
