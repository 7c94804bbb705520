import t from 'tap'
import { CONFIG_KEYS } from '../../src/config/env-schema.ts'
import { unknownKeys } from '../../src/config/unknown-keys.ts'

t.test('a misspelt key is a fault that names the key that was meant', async (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['BACKEND', 'BACKENDS'],
    ['BACKNEDS', 'BACKENDS'],
    ['backends', 'BACKENDS'],
    ['HOSTS', 'HOST'],
    ['PORTS', 'PORT'],
    ['HEALTH_INTERVAL', 'HEALTH_INTERVAL_MS'],
    ['HEALTH_TIMEOUT', 'HEALTH_TIMEOUT_MS'],
    ['SHUTDOWN_TIMEOUT', 'SHUTDOWN_TIMEOUT_MS'],
    ['UPSTREAM_HEADER_TIMEOUT_MS', 'UPSTREAM_HEADERS_TIMEOUT_MS'],
    ['HEALTH_PATHS', 'HEALTH_PATH'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['log_level', 'LOG_LEVEL'],
    ['ACCESSLOG', 'ACCESS_LOG'],
    ['ADMINPORT', 'ADMIN_PORT'],
    ['PLUGIN_DIR', 'PLUGINS_DIR']
  ]
  for (const [name, meant] of cases) {
    t.strictSame(unknownKeys({ [name]: '1' }).faults, [`${name}: there is no such key: did you mean ${meant}?`])
  }
})

t.test('a misspelt key is a fault even beside the right one', async (t) => {
  t.match(unknownKeys({ BACKENDS: 'http://a', BACKEND: 'http://b' }).faults, [/^BACKEND: there is no such key/])
})

t.test('a misspelt key without a value is not set', async (t) => {
  t.strictSame(unknownKeys({ BACKEND: undefined }).faults, [])
})

t.test('none of our own keys counts as misspelt', async (t) => {
  const env = Object.fromEntries(CONFIG_KEYS.map((key) => [key, '1']))
  t.strictSame(unknownKeys(env, env), { faults: [], strangers: [] })
})

t.test('the variables that a shell, npm or a container sets raise no false alarm', async (t) => {
  const ordinary = [
    'PATH', 'HOME', 'PWD', 'OLDPWD', 'USER', 'LOGNAME', 'SHELL', 'SHLVL', 'TERM', 'LANG', 'LC_ALL', 'TZ', 'EDITOR', 'HOSTNAME', 'HOSTTYPE',
    'MAIL', 'TMPDIR', 'DISPLAY', 'SSH_AUTH_SOCK', 'SSH_CONNECTION', 'XDG_RUNTIME_DIR', '_', 'NODE_ENV', 'NODE_OPTIONS', 'NODE_PATH',
    'NODE_VERSION', 'YARN_VERSION', 'npm_config_cache', 'npm_config_loglevel', 'npm_config_user_agent', 'npm_lifecycle_event',
    'npm_package_json', 'npm_package_name', 'npm_node_execpath', 'npm_execpath', 'INIT_CWD', 'COLOR', 'http_proxy', 'https_proxy',
    'no_proxy', 'NO_PROXY', 'HTTP_PROXY', 'KUBERNETES_PORT', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT',
    'KUBERNETES_PORT_443_TCP_ADDR', 'DATABASE_URL', 'REDIS_HOST', 'REDIS_PORT', 'DEBUG', 'CI', 'POD_NAME', 'LOG_FORMAT', 'ROOT'
  ]
  t.strictSame(unknownKeys(Object.fromEntries(ordinary.map((name) => [name, '1']))), { faults: [], strangers: [] })
})

t.test('a short word that only looks like a key is nobody\'s mistake', async (t) => {
  t.same(unknownKeys({ POST: '1', COST: '2', PART: '3', host: 'a', port: 'b' }).faults, [])
})

t.test('a key of .env that is put together of words of a key of ours is a fault, also where the process has another value', async (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['MAX_BODY_SIZE', 'MAX_BODY_BYTES'],
    ['UPSTREAM_TIMEOUT_MS', 'UPSTREAM_IDLE_TIMEOUT_MS'],
    ['CLIENT_TIMEOUT', 'CLIENT_BODY_TIMEOUT_MS'],
    ['HEALTH_CHECK_PATH', 'HEALTH_PATH'],
    ['TLS_CERT', 'TLS_CERT_FILES'],
    ['upstream_tls_ca', 'UPSTREAM_TLS_CA_FILE'],
    ['BACKEND', 'BACKENDS']
  ]
  for (const [name, meant] of cases) {
    t.strictSame(unknownKeys({ [name]: 'other' }, { [name]: '1' }), { faults: [`${name}: there is no such key: did you mean ${meant}?`], strangers: [] })
  }
})

t.test('keys of .env that are nothing like ours are told apart: the file may be shared', async (t) => {
  const others = ['COMPOSE_PROJECT_NAME', 'POSTGRES_PASSWORD', 'ADMIN_PASSWORD', 'CLIENT_ID', 'LOG_FORMAT', 'POST']
  const file = Object.fromEntries(others.map((name) => [name, '1']))
  t.strictSame(unknownKeys({ ...file, HOME: '/' }, file), { faults: [], strangers: others })
})

t.test('in the environment of a process such keys are no concern of ours', async (t) => {
  t.strictSame(unknownKeys({ MAX_BODY_SIZE: '1', TLS_CERT: 'a', ADMIN_PASSWORD: 'b' }), { faults: [], strangers: [] })
})

t.test('NODE_ENV may stand in .env: the log heeds it', async (t) => {
  t.strictSame(unknownKeys({}, { NODE_ENV: 'production' }), { faults: [], strangers: [] })
})
