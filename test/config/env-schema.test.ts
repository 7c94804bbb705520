import t from 'tap'
import { Value } from 'typebox/value'
import { allowedValues, type Config, CONFIG_KEYS, type ConfigKey, EnvSchema, schemaRules } from '../../src/config/env-schema.ts'

const DEFAULTS: Config = {
  HOST: '0.0.0.0',
  PORT: 8080,
  BACKENDS: 'http://localhost:8081,http://localhost:8082,http://localhost:8083',
  HEALTH_PATH: '/health',
  HEALTH_INTERVAL_MS: 10_000,
  HEALTH_TIMEOUT_MS: 5_000,
  HEALTH_RISE: 1,
  HEALTH_FALL: 1,
  UPSTREAM_CONNECT_TIMEOUT_MS: 5_000,
  UPSTREAM_HEADERS_TIMEOUT_MS: 60_000,
  UPSTREAM_IDLE_TIMEOUT_MS: 60_000,
  ACCESS_LOG: 'on',
  LOG_LEVEL: 'info',
  ADMIN_HOST: '127.0.0.1',
  ADMIN_PORT: 9900,
  SHUTDOWN_TIMEOUT_MS: 10_000,
  PLUGINS_DIR: ''
}

const allows = (key: ConfigKey, value: unknown): boolean => Value.Check(EnvSchema, { ...DEFAULTS, [key]: value })

t.test('the names and the defaults are those that are promised', async (t) => {
  t.strictSame(Value.Default(EnvSchema, {}), DEFAULTS)
  t.strictSame(CONFIG_KEYS, Object.keys(DEFAULTS))
})

t.test('the defaults obey the schema', async (t) => {
  t.ok(Value.Check(EnvSchema, Value.Default(EnvSchema, {})))
})

t.test('every key says what it means', async (t) => {
  for (const key of CONFIG_KEYS) t.match(schemaRules(key).get('description'), /^[A-Z].*\.$/, key)
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

t.test('a time is a whole number of at least 1 ms that a timer can hold', async (t) => {
  const times = CONFIG_KEYS.filter((key) => key.endsWith('_MS'))
  t.equal(times.length, 6)
  for (const key of times) {
    for (const value of [1, 2_147_483_647]) t.ok(allows(key, value), `${key} ${value}`)
    for (const value of [0, -1, 1.5, 2_147_483_648]) t.notOk(allows(key, value), `${key} ${value}`)
  }
})

t.test('a threshold is a whole number from 1 to 1000', async (t) => {
  for (const key of ['HEALTH_RISE', 'HEALTH_FALL'] as const) {
    for (const value of [1, 1000]) t.ok(allows(key, value), `${key} ${value}`)
    for (const value of [0, 1001, 1.5]) t.notOk(allows(key, value), `${key} ${value}`)
  }
})

t.test('the path of the probe starts with a slash and is printable ASCII without spaces', async (t) => {
  for (const path of ['/', '/health', '/h/live?full=1&x=%20']) t.ok(allows('HEALTH_PATH', path), path)
  for (const path of ['', 'health', '/a b', '/a\n', '/a\r\nX: 1', '/é', '/\u007f']) t.notOk(allows('HEALTH_PATH', path), JSON.stringify(path))
})

t.test('switches and levels are taken as they are spelt', async (t) => {
  for (const value of ['on', 'off']) t.ok(allows('ACCESS_LOG', value), value)
  for (const value of ['', 'ON', 'true', true]) t.notOk(allows('ACCESS_LOG', value), String(value))
  for (const value of ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']) t.ok(allows('LOG_LEVEL', value), value)
  for (const value of ['', 'INFO', 'verbose']) t.notOk(allows('LOG_LEVEL', value), value)
})

t.test('an address to listen on is not empty', async (t) => {
  for (const key of ['HOST', 'ADMIN_HOST'] as const) {
    t.ok(allows(key, '::'), key)
    t.notOk(allows(key, ''), key)
  }
})

t.test('what a key allows is said as a person would say it', async (t) => {
  const port = 'a whole number from 0 to 65535'
  const time = 'a whole number from 1 to 2147483647'
  const threshold = 'a whole number from 1 to 1000'
  t.strictSame(Object.fromEntries(CONFIG_KEYS.map((key) => [key, allowedValues(key)])), {
    HOST: 'an address',
    PORT: port,
    BACKENDS: 'comma-separated origins such as http://127.0.0.1:8081',
    HEALTH_PATH: 'a path that starts with "/", without spaces',
    HEALTH_INTERVAL_MS: time,
    HEALTH_TIMEOUT_MS: time,
    HEALTH_RISE: threshold,
    HEALTH_FALL: threshold,
    UPSTREAM_CONNECT_TIMEOUT_MS: time,
    UPSTREAM_HEADERS_TIMEOUT_MS: time,
    UPSTREAM_IDLE_TIMEOUT_MS: time,
    ACCESS_LOG: 'on, off',
    LOG_LEVEL: 'fatal, error, warn, info, debug, trace, silent',
    ADMIN_HOST: 'an address',
    ADMIN_PORT: `${port}, or off`,
    SHUTDOWN_TIMEOUT_MS: time,
    PLUGINS_DIR: 'a folder'
  })
})
