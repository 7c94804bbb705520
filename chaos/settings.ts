/** Which settings help against which fault, and which of them could be defaults. What this checkout does not know yet is left out of a play. */
import { schemaRules, CONFIG_KEYS } from '../src/config/env-schema.ts'

/** Keys of the configuration with their texts. */
export type Values = Readonly<Record<string, string>>

export const DEFAULTS = 'defaults'
export const ADVISED = 'advised'

export const SETTINGS: readonly string[] = [DEFAULTS, ADVISED]

const PROBE_OFTEN: Values = { HEALTH_INTERVAL_MS: '1000', HEALTH_TIMEOUT_MS: '500' }
const GIVE_UP_SOON: Values = { UPSTREAM_CONNECT_TIMEOUT_MS: '500', UPSTREAM_HEADERS_TIMEOUT_MS: '500' }
const EJECT: Values = { EJECT_FAILURES: '5', EJECT_MS: '1000' }

/** By the name of the fault. */
export const ADVICE: ReadonlyMap<string, Values> = new Map<string, Values>([
  ['killed', PROBE_OFTEN],
  ['lost-half', PROBE_OFTEN],
  ['flapping', { ...PROBE_OFTEN, HEALTH_RISE: '3' }],
  ['refused', PROBE_OFTEN],
  ['stopped', { ...GIVE_UP_SOON, ...PROBE_OFTEN }],
  ['blackholed', { ...GIVE_UP_SOON, ...PROBE_OFTEN }],
  ['slow', { ...GIVE_UP_SOON, ...EJECT }],
  ['errors', { ...EJECT, EJECT_STATUSES: '500', RETRY_STATUSES: '500' }],
  ['resetting', EJECT]
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
    key: 'HEALTH_INTERVAL_MS',
    helps: 'what is dead or hangs is found out, and what is well again is used again, within a second',
    asDefault: 'No: every gateway probes every backend. Behind ten gateways of its own a backend with a check that asks its database would do so ten times a second. With a check that costs nothing: set it.'
  },
  {
    key: 'HEALTH_TIMEOUT_MS',
    helps: 'a backend that hangs is found out half a second after the probe',
    asDefault: 'No: under load a good backend may take a second for its check. To take it out then puts its load on the others, and they are next.'
  },
  {
    key: 'HEALTH_RISE',
    helps: 'a backend that keeps dying has to stay well for a while before it is used again',
    asDefault: 'No: with the default interval one that was started again would wait for half a minute.'
  },
  {
    key: 'UPSTREAM_CONNECT_TIMEOUT_MS',
    helps: 'where packets vanish another backend is asked after half a second, whatever the method: nothing was sent yet',
    asDefault: 'Nearly: within a data centre a connection opens in a millisecond. But the kernel sends a lost SYN again only after a second: below that one lost packet fails an attempt. From 1,500 on it is safe everywhere.'
  },
  {
    key: 'UPSTREAM_HEADERS_TIMEOUT_MS',
    helps: 'who waits for a backend that hangs gets the answer of another one after half a second, if the method is idempotent',
    asDefault: 'No: what a good answer takes depends on the application. A report that takes a second would be begun anew at every backend, and then fail; a POST fails at once. Set it to some times the longest good answer.'
  },
  {
    key: 'EJECT_FAILURES',
    helps: 'a backend that fails several times in a row is out at once, whatever its health check says',
    asDefault: 'Yes, as long as only attempts without a whole answer count: those are not the application\'s answers, and never more than a share of the backends is out.'
  },
  {
    key: 'EJECT_MS',
    helps: 'a short ejection brings a backend back soon after its fault',
    asDefault: 'A matter of taste: each ejection lasts twice as long as the one before, but each return costs some requests a second attempt.'
  },
  {
    key: 'EJECT_STATUSES',
    helps: 'a backend that answers with errors only is out after a few of them',
    asDefault: 'No: a 500 may be due to the request. Whoever finds one that is always answered so could take out one backend after the other with it.'
  },
  {
    key: 'RETRY_STATUSES',
    helps: 'the client gets the answer of another backend instead of the error, if the method is idempotent',
    asDefault: 'No: a request that is an error everywhere costs twice as much, at the time when the backends are in trouble; and a 500 may come after half of the work was done.'
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
