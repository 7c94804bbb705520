import t from 'tap'
import { Value } from 'typebox/value'
import { BUILT_IN_POLICIES } from '../../src/pool/policies/built-in.ts'
import { allowedValues, CONFIG_KEYS, type ConfigKey, EnvSchema, isNumeric, isRatio, schemaRules } from '../../src/config/env-schema.ts'
import { DEFAULTS } from './defaults.ts'

/** The times of which 0 says that there is no limit, or none of its own. */
const UNLIMITED_AT_ZERO: ReadonlySet<ConfigKey> = new Set<ConfigKey>(['ATTEMPT_TIMEOUT_MS', 'HEALTH_DOWN_INTERVAL_MS', 'OVERLOAD_LOOP_DELAY_MS', 'REQUEST_TIMEOUT_MS', 'RETRY_AFTER_MAX_MS', 'RETRY_BACKOFF_MS', 'RETRY_TIMEOUT_MS', 'SLOW_START_MS', 'WORKER_BLOCKED_TIMEOUT_MS'])

/** The keys that name one of a few words. */
const WORDS: Partial<Record<ConfigKey, readonly string[]>> = {
  EJECT_SUCCESS_RATE: ['on', 'off'],
  RETRY_IDEMPOTENCY_KEY: ['on', 'off'],
  HEDGING: ['on', 'off'],
  DRAIN_BY_ANSWER: ['on', 'off'],
  EXPLAIN: ['on', 'off'],
  HEALTH_PROTOCOL: ['auto', 'http', 'grpc', 'tcp'],
  HEALTH_METHOD: ['GET', 'HEAD', 'OPTIONS', 'POST'],
  PATH_POLICY: ['strict', 'pass'],
  UNDERSCORE_HEADERS: ['drop', 'pass'],
  PROXY_PROTOCOL: ['on', 'off'],
  HTTP2: ['on', 'off'],
  TLS_MIN_VERSION: ['TLSv1.2', 'TLSv1.3'],
  TLS_CLIENT_CERT: ['optional', 'required'],
  ACCESS_LOG: ['on', 'off'],
  LOG_LEVEL: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
}

/** The bounds of what is counted or measured. */
const BOUNDS: ReadonlyArray<readonly [key: ConfigKey, lowest: number, highest: number]> = [
  ['EJECT_FAILURES', 0, 1_000_000],
  ['TRIAL_SUCCESSES', 1, 1_000],
  ['TRIAL_IN_FLIGHT', 1, 1_000],
  ['RETRY_MAX_ATTEMPTS', 0, 1_000],
  ['RETRY_BUDGET_MIN_PER_S', 0, 1_000],
  ['QUEUE_MAX', 0, 1_000_000],
  ['STICKY_MAX_AGE_S', 0, 34_560_000],
  ['HEALTH_RISE', 1, 1_000],
  ['HEALTH_FALL', 1, 1_000],
  ['MAX_TARGET_BYTES', 64, 1_048_576],
  ['MAX_HEADER_BYTES', 1_024, 1_048_576],
  ['MAX_HEADERS', 8, 10_000],
  ['MAX_BODY_BYTES', 0, Number.MAX_SAFE_INTEGER],
  ['MAX_CONNECTIONS', 0, Number.MAX_SAFE_INTEGER],
  ['MAX_REQUESTS_PER_CONNECTION', 0, 1_000_000_000],
  ['BACKEND_MAX_IN_FLIGHT', 0, 1_000_000],
  ['HTTP2_MAX_STREAMS', 1, 10_000]
]

const entriesOf = <Value> (record: Partial<Record<ConfigKey, Value>>): Array<[ConfigKey, Value]> =>
  CONFIG_KEYS.flatMap((key) => record[key] === undefined ? [] : [[key, record[key]]])

const allows = (key: ConfigKey, value: unknown): boolean => Value.Check(EnvSchema, { ...DEFAULTS, [key]: value })

t.test('the names and the defaults are those that are promised', async (t) => {
  t.strictSame(Value.Default(EnvSchema, {}), DEFAULTS)
  t.strictSame(CONFIG_KEYS, Object.keys(DEFAULTS))
})

t.test('the defaults obey the schema', async (t) => {
  t.ok(Value.Check(EnvSchema, Value.Default(EnvSchema, {})))
})

t.test('every key says what it means', async (t) => {
  for (const key of CONFIG_KEYS) {
    const description = String(schemaRules(key).get('description'))
    // A word that the key allows is spelt as it is allowed, even where a sentence begins.
    const beginsWithWord = WORDS[key]?.some((word) => description.startsWith(`${word} `)) === true
    t.ok(beginsWithWord || /^[A-Z]/.test(description), key)
    t.match(description, /\.$/, key)
  }
})

t.test('a port is a whole number from 0 to 65535', async (t) => {
  for (const key of ['PORT', 'ADMIN_PORT'] as const) {
    for (const value of [0, 1, 65_535]) t.ok(allows(key, value), `${key} ${value}`)
    for (const value of [-1, 65_536, 80.5, 'http']) t.notOk(allows(key, value), `${key} ${value}`)
  }
})

t.test('the admin listener, and no other, can be off', async (t) => {
  t.ok(allows('ADMIN_PORT', 'off'))
  t.notOk(allows('PORT', 'off'))
})

t.test('there is at least one worker, and at most 128, or as many as there are processors', async (t) => {
  for (const value of [1, 2, 128, 'auto']) t.ok(allows('WORKERS', value), `WORKERS ${value}`)
  for (const value of [0, -1, 129, 1.5, 'off', 'Auto']) t.notOk(allows('WORKERS', value), `WORKERS ${value}`)
})

t.test('a time is a whole number of at least 1 ms that a timer can hold; 0 only where that means any time', async (t) => {
  const times = CONFIG_KEYS.filter((key) => key.endsWith('_MS'))
  t.equal(times.length, 24)
  for (const key of times) {
    for (const value of [1, 2_147_483_647]) t.ok(allows(key, value), `${key} ${value}`)
    for (const value of [-1, 1.5, 2_147_483_648, '1s']) t.notOk(allows(key, value), `${key} ${value}`)
    t.equal(allows(key, 0), UNLIMITED_AT_ZERO.has(key), `${key} 0`)
  }
})

t.test('a count or a size is a whole number within its bounds', async (t) => {
  for (const [key, lowest, highest] of BOUNDS) {
    for (const value of [lowest, highest]) t.ok(allows(key, value), `${key} ${value}`)
    for (const value of [lowest - 1, highest + 1, lowest + 0.5, 'many']) t.notOk(allows(key, value), `${key} ${value}`)
  }
})

t.test('the path of the probe starts with a slash and is printable ASCII without spaces', async (t) => {
  for (const path of ['/', '/health', '/h/live?full=1&x=%20']) t.ok(allows('HEALTH_PATH', path), path)
  for (const path of ['', 'health', '/a b', '/a\n', '/a\r\nX: 1', '/é', '/\u007f']) t.notOk(allows('HEALTH_PATH', path), JSON.stringify(path))
})

t.test('which statuses of a probe are good is a list that is not empty', async (t) => {
  for (const text of ['200', '200,204', '2xx, 304']) t.ok(allows('HEALTH_STATUSES', text), text)
  for (const text of ['', ' ', '100', 'ok', '200,']) t.notOk(allows('HEALTH_STATUSES', text), JSON.stringify(text))
})

t.test('which statuses are failures, or are not wanted, is a list that may be empty', async (t) => {
  for (const key of ['EJECT_STATUSES', 'RETRY_STATUSES'] as const) {
    for (const text of ['', '503', '500,502', '5xx, 429']) t.ok(allows(key, text), `${key} ${text}`)
    for (const text of ['100', 'ok', '503,', '6xx']) t.notOk(allows(key, text), `${key} ${text}`)
  }
})

t.test('of a few words one is taken, as it is spelt', async (t) => {
  for (const [key, words] of entriesOf(WORDS)) {
    for (const word of words) t.ok(allows(key, word), `${key} ${word}`)
    for (const other of ['', words[0]?.toLowerCase() === words[0] ? words[0]?.toUpperCase() : words[0]?.toLowerCase(), `${words[0]} `, 'true', true, 1]) t.notOk(allows(key, other), `${key} ${other}`)
  }
})

t.test('what a file, a list or a name may be is left to whoever reads it, also that there is none', async (t) => {
  const texts = CONFIG_KEYS.filter((key) => DEFAULTS[key] === '' && key !== 'STICKY_COOKIE' && !key.endsWith('_STATUSES'))
  t.equal(texts.length, 15)
  for (const key of texts) for (const text of ['', 'x', 'a, b/c']) t.ok(allows(key, text), `${key} ${text}`)
})

t.test('an address to listen on is not empty, and holds no blanks', async (t) => {
  for (const key of ['HOST', 'ADMIN_HOST'] as const) {
    for (const text of ['::', '127.0.0.1', 'localhost']) t.ok(allows(key, text), `${key} ${text}`)
    for (const text of ['', ' ', ' ::', 'a b']) t.notOk(allows(key, text), `${key} "${text}"`)
  }
})

t.test('which keys take a number', async (t) => {
  t.strictSame(CONFIG_KEYS.filter(isRatio), CONFIG_KEYS.filter((key) => key.endsWith('_RATIO')))
  t.strictSame(CONFIG_KEYS.filter((key) => isNumeric(key) || isRatio(key)), CONFIG_KEYS.filter((key) => typeof DEFAULTS[key] === 'number'))
})

t.test('what a key allows is said as a person would say it', async (t) => {
  const bounds = BOUNDS.map(([key, lowest, highest]): [ConfigKey, string] => [key, `a whole number from ${lowest} to ${highest}`])
  const times = CONFIG_KEYS.filter((key) => key.endsWith('_MS'))
    .map((key): [ConfigKey, string] => [key, `a whole number from ${UNLIMITED_AT_ZERO.has(key) ? 0 : 1} to 2147483647`])
  const said: Partial<Record<ConfigKey, string>> = {
    ...Object.fromEntries([...bounds, ...times]),
    ...Object.fromEntries(entriesOf(WORDS).map(([key, words]) => [key, words.join(', ')])),
    HOST: 'an address',
    PORT: 'a whole number from 0 to 65535',
    BACKENDS: 'comma-separated origins such as http://127.0.0.1:8081',
    POLICY: `${[...BUILT_IN_POLICIES.keys()].join(', ')}, or the name of a plugin's`,
    STICKY_COOKIE: 'a name',
    STICKY_SECRET: '16 characters or more',
    HASH_KEY: 'client, path, header:NAME, cookie:NAME or query:NAME',
    PRIORITY_MIN_RATIO: 'a number from 0 to 1, such as 0.5',
    PANIC_RATIO: 'a number from 0 to 1, such as 0.5',
    OVERLOAD_MEMORY_RATIO: 'a number from 0 to 1, such as 0.5',
    EJECT_STATUSES: 'statuses from 200 to 999 or classes such as 5xx, separated by commas',
    RETRY_STATUSES: 'statuses from 200 to 999 or classes such as 5xx, separated by commas',
    EJECT_MAX_RATIO: 'a number from 0 to 1, such as 0.5',
    RETRY_BUDGET_RATIO: 'a number from 0 to 1, such as 0.5',
    HEALTH_PATH: 'a path that starts with "/", without spaces',
    HEALTH_HOST: 'a host, with or without a port',
    HEALTH_HEADERS: 'fields such as "authorization: Bearer x; accept: text/plain"',
    HEALTH_STATUSES: 'comma-separated statuses and classes such as 200,204 or 2xx',
    HEALTH_BODY: 'any text',
    HEALTH_GRPC_SERVICE: 'the name of a service, such as shop.Orders',
    HEALTH_JITTER_RATIO: 'a number from 0 to 1, such as 0.5',
    UPSTREAM_TLS_CA_FILE: 'a file',
    UPSTREAM_TLS_CERT_FILE: 'a file',
    UPSTREAM_TLS_KEY_FILE: 'a file',
    UPSTREAM_TLS_SERVERNAME: 'a name',
    DANGEROUSLY_UNVERIFIED_BACKENDS: 'comma-separated origins of BACKENDS with https:// or h2://',
    TRUST_PROXY: 'addresses and CIDRs such as 10.0.0.0/8, or a number of hops from 1 to 32',
    TLS_CERT_FILES: 'comma-separated files',
    TLS_KEY_FILES: 'comma-separated files, as many as in TLS_CERT_FILES',
    TLS_CLIENT_CA_FILE: 'a file',
    ADMIN_HOST: 'an address',
    ADMIN_PORT: 'a whole number from 0 to 65535, or off',
    WORKERS: 'a whole number from 1 to 128, or auto',
    PLUGINS_DIR: 'a folder'
  }
  for (const key of CONFIG_KEYS) t.equal(allowedValues(key), said[key], key)
})

t.test('a cookie has the name of one (RFC 6265), or none', async (t) => {
  for (const name of ['', 'to', '__Host-to', 'a.b!c', '$']) t.ok(allows('STICKY_COOKIE', name), name)
  for (const name of [' ', 'a b', 'a=b', 'a;b', 'a,b', 'a"b', 'a/b', '\u00e4', 'a\n']) t.notOk(allows('STICKY_COOKIE', name), JSON.stringify(name))
})

t.test('what requests are keyed by is one of five kinds, with a name where it needs one', async (t) => {
  for (const key of ['client', 'path', 'header:X-User', 'cookie:session', 'query:user', 'query:user[id]', 'query:a:b']) t.ok(allows('HASH_KEY', key), key)
  const wrong = ['', 'Client', 'client:', 'path:x', 'header', 'header:', 'header:a b', 'header:a:b', 'cookie:', 'cookie:a=b', 'query', 'query:', 'query:a=b', 'query:a&b', 'query:a b', ' client', 'client ', 'body:x']
  for (const key of wrong) t.notOk(allows('HASH_KEY', key), key)
})

t.test('a policy has a name; which ones there are is known later', async (t) => {
  for (const name of [...BUILT_IN_POLICIES.keys(), 'my-own']) t.ok(allows('POLICY', name), name)
  for (const name of ['', ' ', 'round robin']) t.notOk(allows('POLICY', name), name)
})

t.test('a share is a number from 0 to 1', async (t) => {
  for (const key of CONFIG_KEYS.filter(isRatio)) {
    for (const value of [0, 0.05, 0.5, 1]) t.ok(allows(key, value), `${key} ${value}`)
    for (const value of [-0.1, 1.1, 'half', NaN]) t.notOk(allows(key, value), `${key} ${value}`)
  }
})
