/** Which settings help against which fault, and which of them could be defaults. What this checkout does not know yet is left out of a play. */
import { schemaRules, CONFIG_KEYS } from '../src/config/env-schema.ts'

/** Keys of the configuration with their texts. */
export type Values = Readonly<Record<string, string>>

export const DEFAULTS = 'defaults'
export const ADVISED = 'advised'

export const SETTINGS: readonly string[] = [DEFAULTS, ADVISED]

const BACK_SOON: Values = { HEALTH_INTERVAL_MS: '1000', EJECT_MS: '1000' }
const GIVE_UP_SOON: Values = { ATTEMPT_TIMEOUT_MS: '500' }

/** By the name of the fault. Against the others the defaults are what is advised. */
export const ADVICE: ReadonlyMap<string, Values> = new Map<string, Values>([
  ['killed', BACK_SOON],
  ['lost-half', BACK_SOON],
  ['flapping', { HEALTH_INTERVAL_MS: '1000', HEALTH_RISE: '3' }],
  ['refused', BACK_SOON],
  ['stopped', GIVE_UP_SOON],
  ['blackholed', GIVE_UP_SOON],
  ['slow', GIVE_UP_SOON],
  ['errors', { EJECT_STATUSES: '500' }]
])

export interface Opinion {
  readonly key: string
  /** What it does against faults. */
  readonly helps: string
  /** Whether the advised value could be the default, and why or why not. */
  readonly asDefault: string
}

export const OPINIONS: readonly Opinion[] = [
  {
    key: 'ATTEMPT_TIMEOUT_MS',
    helps: 'who waits for a backend that hangs is served by another one after half a second, if the method is idempotent or nothing was sent yet; after `EJECT_FAILURES` of them nobody waits for it any more',
    asDefault: 'No: how long a good answer may take only the application knows. A report that takes a second would be begun anew at every backend, and then fail; a POST fails at once. Set it to some times your longest good answer.'
  },
  {
    key: 'EJECT_STATUSES',
    helps: 'a backend that answers with nothing but errors is out after `EJECT_FAILURES` of them',
    asDefault: 'No: a 500 may be due to the request. Whoever finds one that is always answered so could take out one backend after the other with it. With `503`, and applications that mean by it what the RFC does, it is safe.'
  },
  {
    key: 'RETRY_STATUSES',
    helps: 'with `EJECT_STATUSES`: the client gets the answer of another backend also instead of the first few errors, if the method is idempotent',
    asDefault: 'No: a 500 may come after half of the work was done, and an idempotent method says only that it may be done twice, not that this is cheap.'
  },
  {
    key: 'HEALTH_INTERVAL_MS',
    helps: 'what is dead or hangs is found out, and what is well again is seen to be so, within a second',
    asDefault: 'No: every gateway probes every backend. Behind ten gateways of its own a backend with a check that asks its database would do so ten times a second. With a check that costs nothing: set it.'
  },
  {
    key: 'EJECT_MS',
    helps: 'a short ejection has a backend back soon after its fault; each further one lasts twice as long as the one before',
    asDefault: 'A matter of taste: each return costs some requests a second attempt, and, with `ATTEMPT_TIMEOUT_MS`, that time.'
  },
  {
    key: 'HEALTH_RISE',
    helps: 'a backend that keeps dying has to stay well for a while before it is used again',
    asDefault: 'No: with the default interval one that was started again would wait for half a minute.'
  },
  {
    key: 'EJECT_FAILURES',
    helps: 'a backend that fails several times in a row is out at once, whatever its health check says',
    asDefault: 'It is: only attempts without a whole answer count, which are not the application\'s answers, and never more than a share of the backends is out (`EJECT_MAX_RATIO`).'
  }
]

export interface Known {
  readonly values: Values
  /** Keys that this checkout does not have. */
  readonly unknown: readonly string[]
}

/** The settings that are advised against a fault, as far as `keys` has them. */
export function adviceFor (fault: string, keys: readonly string[] = CONFIG_KEYS): Known {
  const entries = Object.entries(ADVICE.get(fault) ?? {})
  return {
    values: Object.fromEntries(entries.filter(([key]) => keys.includes(key))),
    unknown: entries.map(([key]) => key).filter((key) => !keys.includes(key))
  }
}

/** The default of a key, as a text; undefined: this checkout does not have the key. */
export function defaultOf (name: string): string | undefined {
  const key = CONFIG_KEYS.find((one) => one === name)
  return key === undefined ? undefined : String(schemaRules(key).get('default'))
}
