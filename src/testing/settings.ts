/** The configuration of a simulated gateway: the keys of the real one, with their defaults and their bounds. */
import { Value } from 'typebox/value'
import { allowedValues, type Config, CONFIG_KEYS, type ConfigKey, type Environment, EnvSchema } from '../config/env-schema.ts'

/** Keys that a simulation heeds. What backends are, and the policy, are not among them: a simulation is given them. */
export const SIMULATED_KEYS = [
  'PRIORITY_MIN_RATIO', 'PANIC_RATIO', 'SLOW_START_MS',
  'EJECT_FAILURES', 'EJECT_STATUSES', 'EJECT_SUCCESS_RATE', 'EJECT_MS', 'EJECT_MAX_MS', 'EJECT_MAX_RATIO', 'TRIAL_SUCCESSES', 'TRIAL_IN_FLIGHT',
  'RETRY_STATUSES', 'RETRY_MAX_ATTEMPTS', 'RETRY_TIMEOUT_MS', 'RETRY_BUDGET_RATIO', 'RETRY_BUDGET_MIN_PER_S', 'RETRY_BACKOFF_MS',
  'ATTEMPT_TIMEOUT_MS', 'HEDGING', 'QUEUE_MAX', 'QUEUE_TIMEOUT_MS',
  'HEALTH_INTERVAL_MS', 'HEALTH_TIMEOUT_MS', 'HEALTH_RISE', 'HEALTH_FALL',
  'UPSTREAM_HEADERS_TIMEOUT_MS', 'REQUEST_TIMEOUT_MS'
] as const satisfies readonly ConfigKey[]

export type SimulatedKey = typeof SIMULATED_KEYS[number]

/** The values of some of them, such as `{ EJECT_STATUSES: '5xx', HEDGING: 'on' }`; the others have their defaults. */
export type Settings = Partial<Pick<Config, SimulatedKey>>

/** All keys, with what `settings` do not say as it is by default. Throws if a value is not allowed, and says what is. */
export function configOf (settings: Settings): Config {
  const config: unknown = Value.Default(EnvSchema, { ...settings })
  if (Value.Check(EnvSchema, config)) return config
  throw new TypeError(faults(new Map<string, unknown>(Object.entries(settings))).join('\n'))
}

/** Settings as they stand in an environment: as texts. Throws for what a simulation does not know, and for what is not allowed. */
export function settingsOf (texts: Environment): Settings {
  const strangers = Object.keys(texts).filter((key) => !SIMULATED_KEYS.some((known) => known === key))
  if (strangers.length > 0) throw new TypeError(`${strangers.join(', ')}: a simulation heeds ${SIMULATED_KEYS.join(', ')}`)
  const config: unknown = Value.Default(EnvSchema, Value.Convert(EnvSchema, { ...texts }))
  if (Value.Check(EnvSchema, config)) return Object.fromEntries(Object.entries(config).filter(([key]) => key in texts))
  throw new TypeError(faults(new Map<string, unknown>(Object.entries(texts))).join('\n'))
}

/** A sentence for each value that is not allowed. */
function faults (values: ReadonlyMap<string, unknown>): string[] {
  return CONFIG_KEYS.filter((key) => values.has(key) && !Value.Check(EnvSchema.properties[key], Value.Convert(EnvSchema.properties[key], values.get(key))))
    .map((key) => `${key}: "${String(values.get(key))}" is not allowed: give ${allowedValues(key)}`)
}
