import t from 'tap'
import { allowedValues, CONFIG_KEYS } from '../../src/config/env-schema.ts'
import { crossFieldFaults, schemaFaults } from '../../src/config/faults.ts'

t.test('a refused value is named with its key, what was given and what is allowed', async (t) => {
  t.strictSame(schemaFaults([{ instancePath: '/PORT' }], { PORT: '65536' }), [
    'PORT: "65536" is not allowed: give a whole number from 0 to 65535'
  ])
})

t.test('a value that broke several rules is one fault', async (t) => {
  const faults = schemaFaults([{ instancePath: '/ADMIN_PORT' }, { instancePath: '/ADMIN_PORT' }, { instancePath: '/ADMIN_PORT' }], { ADMIN_PORT: 'no' })
  t.strictSame(faults, ['ADMIN_PORT: "no" is not allowed: give a whole number from 0 to 65535, or off'])
})

t.test('every refused key is named, in the order of the schema', async (t) => {
  const faults = schemaFaults([{ instancePath: '/LOG_LEVEL' }, { instancePath: '/HEALTH_RISE' }, { instancePath: '/HOST' }], {
    HOST: '', HEALTH_RISE: '0', LOG_LEVEL: 'loud'
  })
  t.match(faults, [/^HOST: /, /^HEALTH_RISE: /, /^LOG_LEVEL: /])
  t.equal(faults.length, 3)
})

t.test('whatever is refused, the fault says what its key allows', async (t) => {
  for (const key of CONFIG_KEYS) {
    t.strictSame(schemaFaults([{ instancePath: `/${key}` }], { [key]: 'x' }), [`${key}: "x" is not allowed: give ${allowedValues(key)}`])
  }
})

t.test('an environment without our keys has no faults: the defaults hold', async (t) => {
  t.strictSame(crossFieldFaults({}), [])
})

t.test('the faults of the list of backends are among the faults', async (t) => {
  t.match(crossFieldFaults({ BACKENDS: 'http://a:0,http://b,http://b' }), [/^BACKENDS: "http:\/\/a:0" /, /^BACKENDS: "http:\/\/b" is listed twice/])
  t.strictSame(crossFieldFaults({ BACKENDS: 'http://a,http://b' }), [])
})

t.test('an empty list of backends is a fault, not the default', async (t) => {
  t.match(crossFieldFaults({ BACKENDS: '' }), [/^BACKENDS: the list is empty/])
})

t.test('the folder of plugins must be a folder, unless it is empty', async (t) => {
  const folder = t.testdir({ 'a-file.ts': '' })
  t.strictSame(crossFieldFaults({ PLUGINS_DIR: folder }), [])
  t.strictSame(crossFieldFaults({ PLUGINS_DIR: '' }), [])
  for (const wrong of [`${folder}/missing`, `${folder}/a-file.ts`]) {
    t.strictSame(crossFieldFaults({ PLUGINS_DIR: wrong }), [
      `PLUGINS_DIR: "${wrong}" is not a folder: give the folder of your plugins, or leave it empty`
    ])
  }
})

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
    t.strictSame(crossFieldFaults({ [name]: '1' }), [`${name}: there is no such key: did you mean ${meant}?`])
  }
})

t.test('a misspelt key is a fault even beside the right one', async (t) => {
  t.match(crossFieldFaults({ BACKENDS: 'http://a', BACKEND: 'http://b' }), [/^BACKEND: there is no such key/])
})

t.test('a misspelt key without a value is not set', async (t) => {
  t.strictSame(crossFieldFaults({ BACKEND: undefined }), [])
})

t.test('none of our own keys counts as misspelt', async (t) => {
  const folder = t.testdir()
  const env = Object.fromEntries(CONFIG_KEYS.map((key) => [key, '1']))
  t.strictSame(crossFieldFaults({ ...env, BACKENDS: 'https://a', DANGEROUSLY_UNVERIFIED_BACKENDS: 'https://a', PLUGINS_DIR: folder }), [])
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
  t.strictSame(crossFieldFaults(Object.fromEntries(ordinary.map((name) => [name, '1']))), [])
})

t.test('a short word that only looks like a key is nobody\'s mistake', async (t) => {
  t.same(crossFieldFaults({ POST: '1', COST: '2', PART: '3', host: 'a', port: 'b' }), [])
})

t.test('keys that belong together are asked for together', async (t) => {
  t.match(crossFieldFaults({ UPSTREAM_TLS_CERT_FILE: 'a.pem' }), [/^UPSTREAM_TLS_CERT_FILE and UPSTREAM_TLS_KEY_FILE belong together/])
  t.match(crossFieldFaults({ TLS_KEY_FILES: 'a.key' }), [/^TLS_CERT_FILES and TLS_KEY_FILES belong together/])
  t.match(crossFieldFaults({ TLS_CLIENT_CA_FILE: 'ca.pem' }), [/^TLS_CLIENT_CA_FILE: without TLS_CERT_FILES/])
  t.match(crossFieldFaults({ PROXY_PROTOCOL: 'on' }), [/^PROXY_PROTOCOL: "on" means nothing/])
  t.strictSame(crossFieldFaults({ PROXY_PROTOCOL: 'on', TRUST_PROXY: '1', TLS_CERT_FILES: 'a', TLS_KEY_FILES: 'b', TLS_CLIENT_CA_FILE: 'c' }), [])
})

t.test('only backends that there are, and that speak TLS, can be left unverified', async (t) => {
  const env = { BACKENDS: 'https://a,http://b,h2://c' }
  t.strictSame(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'https://a,h2://c' }), [])
  t.match(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'http://b' }), [/"http:\/\/b" is no backend of BACKENDS that speaks TLS/])
  t.match(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'https://x' }), [/"https:\/\/x" is no backend/])
  t.match(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'a' }), [/^DANGEROUSLY_UNVERIFIED_BACKENDS: "a" is not a URL/])
})
