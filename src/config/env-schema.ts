/** The configuration keys, once: types, defaults, bounds and meaning. Everything else is derived from here. */
import { type Static, Type } from 'typebox'
import { STATUSES_OR_NONE_PATTERN, STATUSES_PATTERN } from './status-list.ts'

/** The longest delay that a timer can hold, in ms (2^31 - 1). */
const MAX_TIMER_MS = 2_147_483_647

/** As large as a count or a size can be: beyond it numbers are not exact. */
const MAX_COUNT = Number.MAX_SAFE_INTEGER

/** The most threads that WORKERS may ask for. */
export const MAX_WORKERS = 128

const milliseconds = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 1, maximum: MAX_TIMER_MS, description })

const onOff = (value: 'on' | 'off', description: string) =>
  Type.Unsafe<'on' | 'off'>({ type: 'string', enum: ['on', 'off'], default: value, description })

const count = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 0, maximum: MAX_COUNT, description })

/** Text that may be empty. */
const optional = (description: string) => Type.String({ default: '', description })

/** A whole number within bounds, or a word. */
const numberOr = <Word extends string>(word: Word, value: number | Word, [minimum, maximum]: readonly [number, number], description: string) =>
  Type.Unsafe<number | Word>({ anyOf: [{ type: 'integer', minimum, maximum }, { const: word }], default: value, description })

/** A share, 0 to 1. */
const ratio = (value: number, description: string) => Type.Number({ default: value, minimum: 0, maximum: 1, description })

/** Statuses of answers, or none. */
const statuses = (description: string) => Type.String({ default: '', pattern: STATUSES_OR_NONE_PATTERN, description })

/** As HASH_KEY may be. */
const HASH_KEY_PATTERN = '^(client|path|(header|cookie):[!#$%&\'*+.^_`|~0-9A-Za-z-]+|query:[^\\s&=#]+)$'

const port = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 0, maximum: 65_535, description })

/** One key a property; `default` and `description` feed `.env.example` and the README. */
export const EnvSchema = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', pattern: '^\\S+$', description: 'Address to listen on for clients.' }),
  PORT: port(8080, 'Port to listen on for clients; 0 takes a free one.'),
  BACKENDS: Type.String({
    default: 'http://localhost:8081,http://localhost:8082,http://localhost:8083',
    description: 'The backends: comma-separated origins without a path; http:// or https:// for HTTP/1.1, h2c:// or h2:// for HTTP/2 (h2:// with TLS). Behind a space: weight=N, backup (or priority=N), max=N (in flight), probe=URL (where its probe goes).'
  }),
  POLICY: Type.String({ default: 'round-robin', pattern: '^\\S+$', description: 'How a backend is chosen; a plugin may add policies.' }),
  HASH_KEY: Type.String({ default: 'client', pattern: HASH_KEY_PATTERN, description: 'What policies go by that send equal requests to the same backend.' }),
  STICKY_COOKIE: Type.String({ default: '', pattern: '^[!#$%&\'*+.^_`|~0-9A-Za-z-]*$', description: 'Name of the cookie that keeps a client to its backend, as long as that is available; empty: none.' }),
  STICKY_SECRET: optional('What STICKY_COOKIE is made with: 16 characters or more, the same in all gateways of a service.'),
  STICKY_MAX_AGE_S: Type.Integer({ default: 0, minimum: 0, maximum: 34_560_000, description: 'How long a client keeps STICKY_COOKIE, in seconds; 0: as long as its session.' }),
  PRIORITY_MIN_RATIO: ratio(0, 'Share of a priority group that has to be available; with less of it the next one joins in. 0: when nothing of it is left.'),
  PANIC_RATIO: ratio(0, 'With less than this share of the backends available all but draining ones are picked from, healthy or not; 0: never.'),
  SLOW_START_MS: Type.Integer({ default: 0, minimum: 0, maximum: MAX_TIMER_MS, description: 'Time in which the share of a backend that is back grows to all of it, in ms; 0: it has all of it at once. Means nothing to consistent-hash and bounded-hash.' }),
  EJECT_FAILURES: Type.Integer({ default: 5, minimum: 0, maximum: 1_000_000, description: 'Failed attempts in a row that take a backend out for a time; 0: they do not.' }),
  EJECT_STATUSES: statuses('Answers that count as failures for EJECT_FAILURES and EJECT_SUCCESS_RATE: statuses, or classes such as 5xx; empty: none.'),
  EJECT_SUCCESS_RATE: onOff('on', 'A backend that fails much more often than the others is taken out for a time: of five or more, with 100 requests each in ten seconds.'),
  EJECT_MS: milliseconds(10_000, 'How long the first ejection of a backend lasts, in ms; each further one lasts twice as long.'),
  EJECT_MAX_MS: milliseconds(300_000, 'Longest ejection, in ms.'),
  EJECT_MAX_RATIO: ratio(0.5, 'Share of the backends that may be ejected at a time. Below 1 the last one that serves never is.'),
  TRIAL_SUCCESSES: Type.Integer({ default: 3, minimum: 1, maximum: 1_000, description: 'Good answers in a row that end the trial of a backend that was ejected.' }),
  TRIAL_IN_FLIGHT: Type.Integer({ default: 1, minimum: 1, maximum: 1_000, description: 'Requests in flight that a backend on trial may have.' }),
  DRAIN_BY_ANSWER: onOff('on', 'Whether x-fastlancer-drain: 1 in an answer drains the backend that gave it; off: it means nothing. No client ever gets it.'),
  RETRY_STATUSES: statuses('Answers in place of which another backend is asked: statuses, or classes such as 5xx; empty: none.'),
  RETRY_MAX_ATTEMPTS: Type.Integer({ default: 0, minimum: 0, maximum: 1_000, description: 'Most attempts for a request, the first one included; 0: as many as there are backends.' }),
  RETRY_TIMEOUT_MS: Type.Integer({ default: 0, minimum: 0, maximum: MAX_TIMER_MS, description: 'Time from the first attempt for a request on in which others may begin, in ms; 0: any.' }),
  RETRY_BUDGET_RATIO: ratio(0.2, 'Retries of what a backend may have seen, as a share of the requests of the last ten seconds.'),
  RETRY_BUDGET_MIN_PER_S: Type.Integer({ default: 3, minimum: 0, maximum: 1_000, description: 'Such retries a second that are allowed in any case.' }),
  RETRY_BACKOFF_MS: Type.Integer({ default: 0, minimum: 0, maximum: MAX_TIMER_MS, description: 'Longest wait before the first such retry, in ms; it doubles with each further one, and is drawn at random. 0: none.' }),
  RETRY_AFTER_MAX_MS: Type.Integer({ default: 2_000, minimum: 0, maximum: MAX_TIMER_MS, description: 'As long as this a backend that answers one of RETRY_STATUSES with Retry-After is waited for, once, if no other is left, in ms; 0: not at all.' }),
  RETRY_IDEMPOTENCY_KEY: onOff('off', 'Requests with an Idempotency-Key may be sent again whatever their method: for backends that honour it.'),
  ATTEMPT_TIMEOUT_MS: Type.Integer({ default: 0, minimum: 0, maximum: MAX_TIMER_MS, description: 'Time from the start of an attempt to the head of its answer, in ms (504); 0: as the timeouts of its parts have it.' }),
  HEDGING: onOff('off', 'GET and HEAD that take longer than 95 of 100 are sent to a second backend as well, within the retry budget.'),
  QUEUE_MAX: Type.Integer({ default: 1_000, minimum: 0, maximum: 1_000_000, description: 'Requests that may wait while all backends have as many in flight as they may (503).' }),
  QUEUE_TIMEOUT_MS: milliseconds(5_000, 'Time that a request may wait there, in ms (503).'),
  EXPLAIN: onOff('off', 'Requests from TRUST_PROXY with X-Fastlancer-Explain are answered with how their backend was chosen.'),
  HEALTH_PROTOCOL: Type.Unsafe<'auto' | 'http' | 'grpc' | 'tcp'>({
    type: 'string',
    enum: ['auto', 'http', 'grpc', 'tcp'],
    default: 'auto',
    description: 'What a probe is: http: a request. grpc: gRPC\'s health check. tcp: a connection that opens, TLS included. auto: a request, and the health check where an HTTP/2 backend answers 415.'
  }),
  HEALTH_METHOD: Type.Unsafe<'GET' | 'HEAD' | 'OPTIONS' | 'POST'>({
    type: 'string',
    enum: ['GET', 'HEAD', 'OPTIONS', 'POST'],
    default: 'GET',
    description: 'Method of the probe; there is no body with it.'
  }),
  HEALTH_PATH: Type.String({ default: '/health', pattern: '^/[\\u0021-\\u007e]*$', description: 'Path of the probe.' }),
  HEALTH_HOST: optional('Host of the probe (:authority in HTTP/2); empty: that of the address that is asked.'),
  HEALTH_HEADERS: optional('Fields of the probe, "name: value", separated by ";" (";;" stands for one within a value).'),
  HEALTH_STATUSES: Type.String({ default: '200', pattern: STATUSES_PATTERN, description: 'Statuses of the probe\'s answer that are good.' }),
  HEALTH_BODY: optional('Text that the first 64 KiB of the probe\'s answer have to contain; empty: any.'),
  HEALTH_GRPC_SERVICE: optional('Service that gRPC\'s health check asks for; empty: the server as a whole.'),
  HEALTH_INTERVAL_MS: milliseconds(10_000, 'Time from one probe of a backend to the next, in ms.'),
  HEALTH_DOWN_INTERVAL_MS: Type.Integer({ default: 0, minimum: 0, maximum: MAX_TIMER_MS, description: 'The same while the backend is down, in ms; 0: as HEALTH_INTERVAL_MS.' }),
  HEALTH_JITTER_RATIO: ratio(0, 'How much each of these times is drawn above or below what it says, as a share of it.'),
  HEALTH_TIMEOUT_MS: milliseconds(5_000, 'Time a probe may take as a whole, in ms.'),
  HEALTH_RISE: Type.Integer({ default: 1, minimum: 1, maximum: 1000, description: 'Good probes in a row that bring a backend back.' }),
  HEALTH_FALL: Type.Integer({ default: 1, minimum: 1, maximum: 1000, description: 'Bad probes in a row that take a backend out.' }),
  UPSTREAM_CONNECT_TIMEOUT_MS: milliseconds(5_000, 'Time a connection to a backend may take to open, in ms (504).'),
  UPSTREAM_HEADERS_TIMEOUT_MS: milliseconds(60_000, 'Time a backend may take to start its answer once it has the request, in ms (504).'),
  UPSTREAM_IDLE_TIMEOUT_MS: milliseconds(60_000, 'Silence allowed within an answer, in ms; then it is cut.'),
  UPSTREAM_TLS_CA_FILE: optional('CA certificates (PEM) to verify https:// and h2:// backends with, in place of the system\'s; empty: those.'),
  UPSTREAM_TLS_CERT_FILE: optional('Certificate (PEM) that is shown to backends which ask for one; empty: none.'),
  UPSTREAM_TLS_KEY_FILE: optional('Key (PEM) of UPSTREAM_TLS_CERT_FILE.'),
  UPSTREAM_TLS_SERVERNAME: optional('Name for SNI and verification of backends; empty: the one in the backend\'s URL.'),
  DANGEROUSLY_UNVERIFIED_BACKENDS: optional('Backends of BACKENDS whose certificates are not verified, comma-separated: whoever gets between reads and changes everything. For trials alone.'),
  CLIENT_HEADERS_TIMEOUT_MS: milliseconds(15_000, 'Time a client may take for the head of a request, in ms (408).'),
  CLIENT_BODY_TIMEOUT_MS: milliseconds(30_000, 'Silence of a client allowed within a body, in ms (408).'),
  CLIENT_SEND_TIMEOUT_MS: milliseconds(60_000, 'Time a client may go without taking anything of its answer, in ms; then it is cut.'),
  CLIENT_KEEP_ALIVE_TIMEOUT_MS: milliseconds(72_000, 'Time a connection of a client stays open between requests, in ms.'),
  TUNNEL_IDLE_TIMEOUT_MS: milliseconds(3_600_000, 'Silence in both directions after which a tunnel (WebSocket) is closed, in ms.'),
  REQUEST_TIMEOUT_MS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: MAX_TIMER_MS,
    description: 'Time for a request and its answer as a whole, in ms (504); 0: any.'
  }),
  MAX_TARGET_BYTES: Type.Integer({ default: 8_192, minimum: 64, maximum: 1_048_576, description: 'Longest request target, in bytes (414).' }),
  MAX_HEADER_BYTES: Type.Integer({ default: 16_384, minimum: 1_024, maximum: 1_048_576, description: 'Largest head of a request besides its target, in bytes (431).' }),
  MAX_HEADERS: Type.Integer({ default: 100, minimum: 8, maximum: 10_000, description: 'Most fields in the head of a request (431).' }),
  MAX_BODY_BYTES: count(4_294_967_296, 'Largest body of a request, in bytes, counted as it comes (413); 0: any.'),
  MAX_CONNECTIONS: count(16_384, 'Most connections of clients at a time (503); 0: any number.'),
  MAX_REQUESTS_PER_CONNECTION: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 1_000_000_000,
    description: 'Requests after which a connection of HTTP/1.1 is closed; 0: never for that.'
  }),
  BACKEND_MAX_IN_FLIGHT: Type.Integer({
    default: 10_000,
    minimum: 0,
    maximum: 1_000_000,
    description: 'Most attempts in flight at a time for a backend that has no max of its own (503 when all are full); 0: any number.'
  }),
  OVERLOAD_LOOP_DELAY_MS: Type.Integer({
    default: 1_000,
    minimum: 0,
    maximum: MAX_TIMER_MS,
    description: 'Delay of a thread\'s event loop beyond which it refuses requests, in ms (503), 50 or more; 0: it never does for that.'
  }),
  OVERLOAD_MEMORY_RATIO: ratio(0.9, 'Share of the memory that the process may have, or of a thread\'s heap, beyond which requests are refused (503); 0: they never are for that.'),
  PATH_POLICY: Type.Unsafe<'strict' | 'pass'>({
    type: 'string',
    enum: ['strict', 'pass'],
    default: 'strict',
    description: 'strict refuses paths that a backend may resolve differently: dot segments, backslashes, encoded NUL (400); pass forwards every byte.'
  }),
  UNDERSCORE_HEADERS: Type.Unsafe<'drop' | 'pass'>({
    type: 'string',
    enum: ['drop', 'pass'],
    default: 'drop',
    description: 'Request headers with "_" in their names: many applications cannot tell X_User from an X-User of the gateway\'s.'
  }),
  TRUST_PROXY: optional('Who may say where a request came from (X-Forwarded-*, Forwarded, X-Request-Id, PROXY protocol): comma-separated addresses and CIDRs, or a number of hops; empty: nobody.'),
  PROXY_PROTOCOL: onOff('off', 'Connections from TRUST_PROXY begin with a header of the PROXY protocol (v1 or v2).'),
  HTTP2: onOff('on', 'HTTP/2 for clients: by ALPN with TLS, by prior knowledge (h2c) without.'),
  HTTP2_MAX_STREAMS: Type.Integer({ default: 128, minimum: 1, maximum: 10_000, description: 'Requests at a time on one connection of HTTP/2.' }),
  TLS_CERT_FILES: optional('Certificates (PEM, with their chains), comma-separated: HOST and PORT then speak TLS, and the client\'s SNI chooses. Empty: no TLS.'),
  TLS_KEY_FILES: optional('Keys (PEM) of TLS_CERT_FILES, in the same order.'),
  TLS_MIN_VERSION: Type.Unsafe<'TLSv1.2' | 'TLSv1.3'>({ type: 'string', enum: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2', description: 'Oldest version of TLS for clients.' }),
  TLS_CLIENT_CA_FILE: optional('CA certificates (PEM) of clients\' certificates; empty: clients are not asked for one.'),
  TLS_CLIENT_CERT: Type.Unsafe<'optional' | 'required'>({
    type: 'string',
    enum: ['optional', 'required'],
    default: 'required',
    description: 'Whether a client must show a certificate of TLS_CLIENT_CA_FILE. Backends get it as Client-Cert (RFC 9440).'
  }),
  TLS_RELOAD_INTERVAL_MS: milliseconds(10_000, 'How often the files of certificates are looked at for changes, in ms.'),
  ACCESS_LOG: onOff('on', 'One log line a request.'),
  LOG_LEVEL: Type.Unsafe<'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'>({
    type: 'string',
    enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    description: 'Least level that is logged.'
  }),
  ADMIN_HOST: Type.String({ default: '127.0.0.1', pattern: '^\\S+$', description: 'Address of the admin listener; keep it private.' }),
  ADMIN_PORT: numberOr('off', 9900, [0, 65_535], 'Port of the admin listener (/-/status, /-/live, /-/ready, /-/drain); 0 takes a free one.'),
  WORKERS: numberOr('auto', 1, [1, MAX_WORKERS], 'Threads that serve requests, each a whole gateway on the same port; auto: as many as the process may use processors.'),
  WORKER_BLOCKED_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 0,
    maximum: MAX_TIMER_MS,
    description: 'With several workers: time without a sign of life after which one is replaced, in ms, in steps of 1000; 0: never.'
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

/** What a text may be, where it is neither an address nor a file. */
const TEXTS: ReadonlyMap<ConfigKey, string> = new Map<ConfigKey, string>([
  ['PLUGINS_DIR', 'a folder'],
  ['POLICY', 'round-robin, weighted-round-robin, random, least-connections, power-of-two, peak-ewma, consistent-hash, bounded-hash, or the name of a plugin\'s'],
  ['STICKY_COOKIE', 'a name'],
  ['STICKY_SECRET', '16 characters or more'],
  ['HEALTH_HOST', 'a host, with or without a port'],
  ['HEALTH_HEADERS', 'fields such as "authorization: Bearer x; accept: text/plain"'],
  ['HEALTH_STATUSES', 'comma-separated statuses and classes such as 200,204 or 2xx'],
  ['HEALTH_BODY', 'any text'],
  ['HEALTH_GRPC_SERVICE', 'the name of a service, such as shop.Orders'],
  ['HASH_KEY', 'client, path, header:NAME, cookie:NAME or query:NAME'],
  ['EJECT_STATUSES', 'statuses from 200 to 999 or classes such as 5xx, separated by commas'],
  ['RETRY_STATUSES', 'statuses from 200 to 999 or classes such as 5xx, separated by commas'],
  ['TRUST_PROXY', 'addresses and CIDRs such as 10.0.0.0/8, or a number of hops from 1 to 32'],
  ['TLS_CERT_FILES', 'comma-separated files'],
  ['TLS_KEY_FILES', 'comma-separated files, as many as in TLS_CERT_FILES'],
  ['UPSTREAM_TLS_SERVERNAME', 'a name'],
  ['DANGEROUSLY_UNVERIFIED_BACKENDS', 'comma-separated origins of BACKENDS with https:// or h2://']
])

/** What `key` allows, as a person would say it. */
export function allowedValues (key: ConfigKey): string {
  const rules = schemaRules(key)
  if (key === 'BACKENDS') return 'comma-separated origins such as http://127.0.0.1:8081'
  if (key === 'HEALTH_PATH') return 'a path that starts with "/", without spaces'
  if (rules.has('enum')) return String(rules.get('enum')).replaceAll(',', ', ')
  const bounds = boundsOf(key)
  if (bounds !== undefined && isRatio(key)) return `a number from ${bounds.minimum} to ${bounds.maximum}, such as 0.5`
  if (bounds !== undefined) return [`a whole number from ${bounds.minimum} to ${bounds.maximum}`, ...wordsBesides(key)].join(', or ')
  return TEXTS.get(key) ?? (key.endsWith('_FILE') ? 'a file' : 'an address')
}

/** Whether `key` takes a whole number, or one of a few words besides. */
export function isNumeric (key: ConfigKey): boolean {
  return boundsOf(key) !== undefined && !isRatio(key)
}

/** Whether `key` takes a share, as a decimal. */
export function isRatio (key: ConfigKey): boolean {
  return schemaRules(key).get('type') === 'number'
}

/** The words that `key` takes besides a number. */
export function wordsBesides (key: ConfigKey): readonly string[] {
  return alternatives(key).flatMap((rules) => 'const' in rules ? [String(rules.const)] : [])
}

/** The JSON Schema keywords of `key`, by name. */
export function schemaRules (key: ConfigKey): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(Object.entries(EnvSchema.properties[key]))
}

function boundsOf (key: ConfigKey): { readonly minimum: number, readonly maximum: number } | undefined {
  for (const rules of alternatives(key)) {
    if ('minimum' in rules && 'maximum' in rules) return { minimum: Number(rules.minimum), maximum: Number(rules.maximum) }
  }
  return undefined
}

/** What `key` takes, one after the other; where there is no choice, all of it. */
function alternatives (key: ConfigKey): readonly object[] {
  const rules: object = EnvSchema.properties[key]
  if (!('anyOf' in rules) || !Array.isArray(rules.anyOf)) return [rules]
  return rules.anyOf.filter((one): one is object => typeof one === 'object')
}
