/** The configuration keys, once: types, defaults, bounds and meaning. Everything else is derived from here. */
import { type Static, Type } from 'typebox'

/** The longest delay that a timer can hold, in ms (2^31 - 1). */
const MAX_TIMER_MS = 2_147_483_647

const milliseconds = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 1, maximum: MAX_TIMER_MS, description })

const onOff = (value: 'on' | 'off', description: string) =>
  Type.Unsafe<'on' | 'off'>({ type: 'string', enum: ['on', 'off'], default: value, description })

const port = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 0, maximum: 65_535, description })

/** One key a property; `default` and `description` feed `.env.example` and the README. */
export const EnvSchema = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', minLength: 1, description: 'Address to listen on for clients.' }),
  PORT: port(8080, 'Port to listen on for clients; 0 takes a free one.'),
  BACKENDS: Type.String({
    default: 'http://localhost:8081,http://localhost:8082,http://localhost:8083',
    description: 'The backends: comma-separated origins, http:// or https://, without a path.'
  }),
  HEALTH_PATH: Type.String({ default: '/health', pattern: '^/[\\u0021-\\u007e]*$', description: 'Path of the probe; a backend that answers 200 is healthy.' }),
  HEALTH_INTERVAL_MS: milliseconds(10_000, 'Time from one probe of a backend to the next, in ms.'),
  HEALTH_TIMEOUT_MS: milliseconds(5_000, 'Time a probe may take as a whole, in ms.'),
  HEALTH_RISE: Type.Integer({ default: 1, minimum: 1, maximum: 1000, description: 'Good probes in a row that bring a backend back.' }),
  HEALTH_FALL: Type.Integer({ default: 1, minimum: 1, maximum: 1000, description: 'Bad probes in a row that take a backend out.' }),
  UPSTREAM_CONNECT_TIMEOUT_MS: milliseconds(5_000, 'Time a connection to a backend may take to open, in ms (504).'),
  UPSTREAM_HEADERS_TIMEOUT_MS: milliseconds(60_000, 'Time a backend may take to start its answer once it has the request, in ms (504).'),
  UPSTREAM_IDLE_TIMEOUT_MS: milliseconds(60_000, 'Silence allowed within an answer, in ms; then it is cut.'),
  ACCESS_LOG: onOff('on', 'One log line a request.'),
  LOG_LEVEL: Type.Unsafe<'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'>({
    type: 'string',
    enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    description: 'Least level that is logged.'
  }),
  ADMIN_HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address of the admin listener; keep it private.' }),
  ADMIN_PORT: Type.Unsafe<number | 'off'>({
    anyOf: [{ type: 'integer', minimum: 0, maximum: 65_535 }, { const: 'off' }],
    default: 9900,
    description: 'Port of the admin listener (/-/status, /-/live, /-/ready); 0 takes a free one.'
  }),
  SHUTDOWN_TIMEOUT_MS: milliseconds(10_000, 'Time that requests in flight have to finish after SIGTERM or SIGINT, in ms.'),
  PLUGINS_DIR: Type.String({ default: '', description: 'Folder of extra Fastify plugins, loaded before the proxy route; empty: none.' })
})

/** The validated configuration, as `fastify.config`. */
export type Config = Static<typeof EnvSchema>

export type ConfigKey = keyof Config

/** A name of the environment with its text; what has no text is not set. */
export type Environment = Readonly<Record<string, string | undefined>>

export const CONFIG_KEYS: readonly ConfigKey[] = Object.keys(EnvSchema.properties).filter(isConfigKey)

function isConfigKey (name: string): name is ConfigKey {
  return name in EnvSchema.properties
}

/** What `key` allows, as a person would say it. */
export function allowedValues (key: ConfigKey): string {
  const rules = schemaRules(key)
  if (key === 'BACKENDS') return 'comma-separated origins such as http://127.0.0.1:8081'
  if (key === 'HEALTH_PATH') return 'a path that starts with "/", without spaces'
  if (rules.has('anyOf')) return 'a whole number from 0 to 65535, or off'
  if (rules.has('enum')) return String(rules.get('enum')).replaceAll(',', ', ')
  if (rules.has('minimum')) return `a whole number from ${String(rules.get('minimum'))} to ${String(rules.get('maximum'))}`
  return key === 'PLUGINS_DIR' ? 'a folder' : 'an address'
}

/** The JSON Schema keywords of `key`, by name. */
export function schemaRules (key: ConfigKey): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(Object.entries(EnvSchema.properties[key]))
}
