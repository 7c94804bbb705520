/** Finds what is wrong with an environment and says it a sentence a fault. */
import { statSync } from 'node:fs'
import { distance } from 'fastest-levenshtein'
import { parseBackendList } from './backend-list.ts'
import { allowedValues, CONFIG_KEYS, type ConfigKey, type Environment } from './env-schema.ts'

/** The part of an Ajv error that is read here. */
export interface SchemaFault {
  readonly instancePath: string
}

/** Up to this length a key is so common a word (HOST, PORT) that only a letter more or less at its end counts. */
const SHORT_KEY_LENGTH = 6

/** Values that the schema refused: one sentence a key, however many rules the value broke. */
export function schemaFaults (errors: readonly SchemaFault[], env: Environment): string[] {
  const refused = new Set(errors.map((error) => error.instancePath.slice(1)))
  return CONFIG_KEYS.filter((key) => refused.has(key))
    .map((key) => `${key}: "${env[key]}" is not allowed: give ${allowedValues(key)}`)
}

/** What no schema sees: the list of backends, the plugins' folder, misspelt keys. */
export function crossFieldFaults (env: Environment): string[] {
  const faults: string[] = []
  if (env['BACKENDS'] !== undefined) faults.push(...parseBackendList(env['BACKENDS']).faults)
  const folder = env['PLUGINS_DIR']
  if (folder !== undefined && folder !== '' && !isFolder(folder)) {
    faults.push(`PLUGINS_DIR: "${folder}" is not a folder: give the folder of your plugins, or leave it empty`)
  }
  return [...faults, ...tlsFaults(env), ...misspeltKeys(env)]
}

/** Keys that mean nothing, or something else than was meant, without another. */
function tlsFaults (env: Environment): string[] {
  const faults: string[] = []
  const isSet = (key: ConfigKey): boolean => (env[key] ?? '') !== ''
  if (isSet('UPSTREAM_TLS_CERT_FILE') !== isSet('UPSTREAM_TLS_KEY_FILE')) {
    faults.push('UPSTREAM_TLS_CERT_FILE and UPSTREAM_TLS_KEY_FILE belong together: give both, or neither')
  }
  if (isSet('TLS_CERT_FILES') !== isSet('TLS_KEY_FILES')) {
    faults.push('TLS_CERT_FILES and TLS_KEY_FILES belong together: give both, as many files each, or neither')
  }
  if (isSet('TLS_CLIENT_CA_FILE') && !isSet('TLS_CERT_FILES')) {
    faults.push('TLS_CLIENT_CA_FILE: without TLS_CERT_FILES no client is asked for a certificate: give those too')
  }
  if (env['PROXY_PROTOCOL'] === 'on' && !isSet('TRUST_PROXY')) {
    faults.push('PROXY_PROTOCOL: "on" means nothing as long as nobody is trusted: name the proxies in TRUST_PROXY')
  }
  return [...faults, ...unverifiedFaults(env)]
}

function unverifiedFaults (env: Environment): string[] {
  const unverified = env['DANGEROUSLY_UNVERIFIED_BACKENDS'] ?? ''
  if (unverified.trim() === '') return []
  const named = parseBackendList(unverified)
  const { origins } = parseBackendList(env['BACKENDS'] ?? '')
  const strangers = named.origins.filter((origin) => !origins.includes(origin) || !/^(https|h2):/.test(origin))
  return [
    ...named.faults.map((fault) => fault.replace('BACKENDS', 'DANGEROUSLY_UNVERIFIED_BACKENDS')),
    ...strangers.map((origin) => `DANGEROUSLY_UNVERIFIED_BACKENDS: "${origin}" is no backend of BACKENDS that speaks TLS: name only such`)
  ]
}

function isFolder (path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function misspeltKeys (env: Environment): string[] {
  const known: ReadonlySet<string> = new Set(CONFIG_KEYS)
  return Object.keys(env).filter((name) => env[name] !== undefined && !known.has(name)).flatMap((name) => {
    const meant = CONFIG_KEYS.find((key) => isNearMiss(name, key))
    return meant === undefined ? [] : [`${name}: there is no such key: did you mean ${meant}?`]
  })
}

function isNearMiss (name: string, key: string): boolean {
  if (`${name}_MS` === key) return true
  if (Math.abs(name.length - key.length) > 2) return false
  if (key.length <= SHORT_KEY_LENGTH) return distance(name, key) === 1 && (name.startsWith(key) || key.startsWith(name))
  return distance(name.toUpperCase(), key) <= 2
}
