/** Finds what is wrong with an environment and says it a sentence a fault. */
import { statSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseBackendList } from './backend-list.ts'
import { allowedValues, CONFIG_KEYS, type ConfigKey, type Environment, isNumeric, isRatio, schemaRules, wordsBesides } from './env-schema.ts'
import { healthFaults } from './health-faults.ts'

/** The part of an Ajv error that is read here. */
export interface SchemaFault {
  readonly instancePath: string
}

/** What SNI can ask for (RFC 6066, section 3): labels of a DNS name, with the underscores that private networks have. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i

/** Whoever guesses it can tell which backend a cookie names. */
const MIN_SECRET_LENGTH = 16

/** Less is what ordinary collections of garbage take. */
const LEAST_LOOP_DELAY_MS = 50

/** Shares are given as decimals, and as nothing else that a number can be written as. */
const DECIMAL_NUMBER = /^\d+(?:\.\d+)?$/

/** Whole numbers only: the schema's validator would also take "0x10", " " (as 0) and "Infinity" (past every bound). */
const WHOLE_NUMBER = /^\d+$/

/** Values that the schema refused, or should have: one sentence a key, however many rules the value broke. */
export function schemaFaults (errors: readonly SchemaFault[], env: Environment): string[] {
  const refused = new Set(errors.map((error) => error.instancePath.slice(1)))
  return CONFIG_KEYS.filter((key) => refused.has(key) || isOddNumber(key, env[key]))
    .map((key) => `${key}: "${env[key]}" is not allowed: give ${allowedValues(key)}`)
}

/** What no schema sees: the list of backends, the plugins' folder, keys that do not go together. */
export function crossFieldFaults (env: Environment): string[] {
  const faults: string[] = []
  if (env['BACKENDS'] !== undefined) faults.push(...parseBackendList(env['BACKENDS']).faults)
  const folder = env['PLUGINS_DIR']
  if (folder !== undefined && folder !== '' && !isFolder(folder)) {
    faults.push(`PLUGINS_DIR: "${folder}" is not a folder: give the folder of your plugins, or leave it empty`)
  }
  if ((env['STICKY_COOKIE'] ?? '') !== '' && (env['STICKY_SECRET'] ?? '').length < MIN_SECRET_LENGTH) {
    faults.push(`STICKY_SECRET: STICKY_COOKIE needs a secret of ${MIN_SECRET_LENGTH} characters or more, the same in all gateways of a service: give one that nobody can guess`)
  }
  return [...faults, ...ejectionFaults(env), ...healthFaults(env), ...overloadFaults(env), ...servernameFaults(env), ...tlsFaults(env)]
}

function ejectionFaults (env: Environment): string[] {
  const [first, longest] = (['EJECT_MS', 'EJECT_MAX_MS'] as const).map((key) => Number(env[key] ?? schemaRules(key).get('default')))
  return first !== undefined && longest !== undefined && first > longest
    ? [`EJECT_MAX_MS: ${longest} is less than EJECT_MS: ${first}: give the same or more`]
    : []
}

/** Whether a key for a number has a text that is none, or a number too large to be exact. */
function isOddNumber (key: ConfigKey, text: string | undefined): boolean {
  if (text !== undefined && isRatio(key)) return !DECIMAL_NUMBER.test(text)
  if (text === undefined || !isNumeric(key)) return false
  if (wordsBesides(key).includes(text)) return false
  return !WHOLE_NUMBER.test(text) || !Number.isSafeInteger(Number(text))
}

function overloadFaults (env: Environment): string[] {
  const text = env['OVERLOAD_LOOP_DELAY_MS'] ?? ''
  const delayMs = WHOLE_NUMBER.test(text) ? Number(text) : 0
  if (delayMs === 0 || delayMs >= LEAST_LOOP_DELAY_MS) return []
  return [`OVERLOAD_LOOP_DELAY_MS: "${text}" is no more than any event loop is late at times: give ${LEAST_LOOP_DELAY_MS} or more, or 0 for no limit`]
}

function servernameFaults (env: Environment): string[] {
  const name = env['UPSTREAM_TLS_SERVERNAME'] ?? ''
  if (name === '') return []
  if (isIP(name) !== 0) {
    return [`UPSTREAM_TLS_SERVERNAME: "${name}" is an address, not a name: leave it empty, so that the address in the backend's URL is verified`]
  }
  if (HOST_NAME.test(name)) return []
  return [`UPSTREAM_TLS_SERVERNAME: "${name}" is not the name of a host: give one such as backend.example, ` +
    'or leave it empty, so that the name in the backend\'s URL is verified']
}

/** Keys that mean nothing, or something else than was meant, without another. */
function tlsFaults (env: Environment): string[] {
  const faults: string[] = []
  const isSet = (key: ConfigKey): boolean => (env[key] ?? '') !== ''
  if (isSet('TLS_CLIENT_CA_FILE') && !isSet('TLS_CERT_FILES')) {
    faults.push('TLS_CLIENT_CA_FILE: without TLS_CERT_FILES no client is asked for a certificate: give those too')
  }
  if (env['PROXY_PROTOCOL'] === 'on' && !/[^\s,]/.test(env['TRUST_PROXY'] ?? '')) {
    faults.push('PROXY_PROTOCOL: "on" means nothing as long as nobody is trusted: name the proxies in TRUST_PROXY')
  }
  return [...faults, ...unverifiedFaults(env)]
}

function unverifiedFaults (env: Environment): string[] {
  const unverified = env['DANGEROUSLY_UNVERIFIED_BACKENDS'] ?? ''
  if (unverified.trim() === '') return []
  const named = parseBackendList(unverified)
  const origins = new Set(parseBackendList(env['BACKENDS'] ?? '').backends.map(({ url }) => url))
  const strangers = named.backends.map(({ url }) => url).filter((origin) => !origins.has(origin) || !/^(https|h2):/.test(origin))
  return [
    ...named.faults.map((fault) => fault.replace('BACKENDS', 'DANGEROUSLY_UNVERIFIED_BACKENDS')),
    ...strangers.map((origin) => `DANGEROUSLY_UNVERIFIED_BACKENDS: "${origin}" is no backend of BACKENDS that speaks TLS: name only such`)
  ]
}

function isFolder (path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
