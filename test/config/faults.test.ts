import t from 'tap'
import { allowedValues, CONFIG_KEYS, isNumeric } from '../../src/config/env-schema.ts'
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

t.test('an event loop may be late by 50 ms or more, or by any time', async (t) => {
  for (const value of ['1', '49']) t.match(crossFieldFaults({ OVERLOAD_LOOP_DELAY_MS: value }), [/^OVERLOAD_LOOP_DELAY_MS: "\d+" .* give 50 or more, or 0/])
  for (const value of ['0', '50', '1000']) t.strictSame(crossFieldFaults({ OVERLOAD_LOOP_DELAY_MS: value }), [])
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

t.test('keys that belong together are asked for together', async (t) => {
  t.match(crossFieldFaults({ TLS_CLIENT_CA_FILE: 'ca.pem' }), [/^TLS_CLIENT_CA_FILE: without TLS_CERT_FILES/])
  t.match(crossFieldFaults({ PROXY_PROTOCOL: 'on' }), [/^PROXY_PROTOCOL: "on" means nothing/])
  t.strictSame(crossFieldFaults({ PROXY_PROTOCOL: 'on', TRUST_PROXY: '1', TLS_CERT_FILES: 'a', TLS_KEY_FILES: 'b', TLS_CLIENT_CA_FILE: 'c' }), [])
})

t.test('a list of trusted proxies without an entry trusts nobody', async (t) => {
  for (const trust of ['', ' ', ',', ' , ,']) t.match(crossFieldFaults({ PROXY_PROTOCOL: 'on', TRUST_PROXY: trust }), [/^PROXY_PROTOCOL: "on" means nothing/], `"${trust}"`)
})

t.test('only backends that there are, and that speak TLS, can be left unverified', async (t) => {
  const env = { BACKENDS: 'https://a,http://b,h2://c' }
  t.strictSame(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'https://a,h2://c' }), [])
  t.match(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'http://b' }), [/"http:\/\/b" is no backend of BACKENDS that speaks TLS/])
  t.match(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'https://x' }), [/"https:\/\/x" is no backend/])
  t.match(crossFieldFaults({ ...env, DANGEROUSLY_UNVERIFIED_BACKENDS: 'a' }), [/^DANGEROUSLY_UNVERIFIED_BACKENDS: "a" is not a URL/])
})

t.test('a number is written in digits alone, whatever else the validator of the schema would take', async (t) => {
  const odd = [
    'Infinity', '-Infinity', '+Infinity', '1e400', '1'.repeat(400), '9007199254740993', '1e2', '0x10', '0b1', '0o7', '1.0', '+7', '-0', ' 7 ', '7\n', ' ', '\t', '\u0667',
    'NaN', 'null', 'true', 'ten', '1_000'
  ]
  for (const key of CONFIG_KEYS.filter(isNumeric)) {
    for (const text of odd) t.strictSame(schemaFaults([], { [key]: text }), [`${key}: "${text}" is not allowed: give ${allowedValues(key)}`])
    for (const text of ['0', '1', '0080', '9007199254740991', undefined]) t.strictSame(schemaFaults([], { [key]: text }), [], `${key} ${text}`)
  }
  t.strictSame(schemaFaults([], { ADMIN_PORT: 'off', WORKERS: 'auto' }), [])
  t.match(schemaFaults([], { ADMIN_PORT: 'auto', WORKERS: 'off' }), [/^ADMIN_PORT: "auto"/, /^WORKERS: "off"/])
  t.strictSame(schemaFaults([{ instancePath: '/PORT' }], { PORT: 'x' }).length, 1, 'refused by both, named once')
})

t.test('an empty text is no number either: who means the default leaves the key out', async (t) => {
  for (const key of CONFIG_KEYS.filter(isNumeric)) t.strictSame(schemaFaults([], { [key]: '' }), [`${key}: "" is not allowed: give ${allowedValues(key)}`])
})

t.test('the name to ask backends for is that of a host', async (t) => {
  for (const name of ['', 'backend', 'backend.example', 'Back-End_1.internal', `${'a'.repeat(63)}.b`, 'xn--4ca.example']) {
    t.strictSame(crossFieldFaults({ UPSTREAM_TLS_SERVERNAME: name }), [], name)
  }
  for (const name of [' ', 'a b', ' a', 'a:443', 'https://a', '*.a', 'a.', '.a', 'a..b', '\u00e4.example', 'a/b', 'a\0b', `${'a'.repeat(64)}.b`, `${'a.'.repeat(127)}b`]) {
    t.strictSame(crossFieldFaults({ UPSTREAM_TLS_SERVERNAME: name }), [
      `UPSTREAM_TLS_SERVERNAME: "${name}" is not the name of a host: give one such as backend.example, ` +
        'or leave it empty, so that the name in the backend\'s URL is verified'
    ])
  }
})

t.test('an address is not a name to ask backends for: it is verified without', async (t) => {
  for (const address of ['127.0.0.1', '::1', 'fe80::1%eth0']) {
    t.strictSame(crossFieldFaults({ UPSTREAM_TLS_SERVERNAME: address }), [
      `UPSTREAM_TLS_SERVERNAME: "${address}" is an address, not a name: leave it empty, so that the address in the backend's URL is verified`
    ])
  }
})

t.test('a sticky cookie needs a secret that is long enough; without a cookie there is no need for one', async (t) => {
  const fault = 'STICKY_SECRET: STICKY_COOKIE needs a secret of 16 characters or more, the same in all gateways of a service: give one that nobody can guess'
  for (const secret of [undefined, '', '123456789012345']) t.strictSame(crossFieldFaults({ STICKY_COOKIE: 'to', STICKY_SECRET: secret }), [fault], `${secret}`)
  t.strictSame(crossFieldFaults({ STICKY_COOKIE: 'to', STICKY_SECRET: '1234567890123456' }), [])
  for (const secret of [undefined, '', 'short']) t.strictSame(crossFieldFaults({ STICKY_COOKIE: '', STICKY_SECRET: secret }), [], `${secret}`)
})

t.test('the longest ejection is not shorter than the first, given or not', async (t) => {
  t.strictSame(crossFieldFaults({ EJECT_MS: '2000', EJECT_MAX_MS: '1999' }), ['EJECT_MAX_MS: 1999 is less than EJECT_MS: 2000: give the same or more'])
  t.match(crossFieldFaults({ EJECT_MAX_MS: '9999' }), [/^EJECT_MAX_MS: 9999 is less than EJECT_MS: 10000:/])
  t.match(crossFieldFaults({ EJECT_MS: '300001' }), [/^EJECT_MAX_MS: 300000 is less than EJECT_MS: 300001:/])
  for (const env of [{ EJECT_MS: '2000', EJECT_MAX_MS: '2000' }, { EJECT_MAX_MS: '10000' }, { EJECT_MS: '300000' }, { EJECT_MS: 'soon' }]) t.strictSame(crossFieldFaults(env), [])
})

t.test('a share is a decimal, however else a number can be written', async (t) => {
  for (const key of ['PANIC_RATIO', 'PRIORITY_MIN_RATIO']) {
    for (const text of ['', ' ', '.5', '5e-1', '0x1', '-0', '+1', 'Infinity', '50%', '0,5', ' 0.5']) {
      t.strictSame(schemaFaults([], { [key]: text }), [`${key}: "${text}" is not allowed: give a number from 0 to 1, such as 0.5`])
    }
    for (const text of ['0', '1', '0.5', '1.0', '0.05', undefined]) t.strictSame(schemaFaults([], { [key]: text }), [], `${key} ${text}`)
  }
})
