/** Finds keys that are not ours, and tells those that were meant to be from those that are of no concern. */
import { distance } from 'fastest-levenshtein'
import { CONFIG_KEYS, type ConfigKey, type Environment } from './env-schema.ts'

export interface UnknownKeys {
  /** Keys that were meant to be ours, a sentence each. */
  readonly faults: readonly string[]
  /** Further keys of the `.env` file: it may be shared with other tools. */
  readonly strangers: readonly string[]
}

/** Up to this length a key is so common a word (HOST, PORT) that only a letter more or less at its end counts. */
const SHORT_KEY_LENGTH = 6

/** Read from `.env` all the same, by the log. */
const KNOWN: ReadonlySet<string> = new Set<string>([...CONFIG_KEYS, 'NODE_ENV'])

/**
 * Looks through `env`, and more closely at the part of it that comes from a `.env` file: there a key is also a fault if it has
 * the first word and another one in common with a key of ours. The environment of a process is full of others' keys.
 */
export function unknownKeys (env: Environment, ofFile: Environment = {}): UnknownKeys {
  const faults: string[] = []
  const strangers: string[] = []
  for (const name of Object.keys({ ...env, ...ofFile })) {
    const isOfFile = ofFile[name] !== undefined
    if (KNOWN.has(name) || (env[name] === undefined && !isOfFile)) continue
    const meant = CONFIG_KEYS.find((key) => isNearMiss(name, key)) ?? (isOfFile ? likeliest(name) : undefined)
    if (meant !== undefined) faults.push(`${name}: there is no such key: did you mean ${meant}?`)
    else if (isOfFile) strangers.push(name)
  }
  return { faults, strangers }
}

function isNearMiss (name: string, key: string): boolean {
  if (`${name}_MS` === key) return true
  if (Math.abs(name.length - key.length) > 2) return false
  if (key.length <= SHORT_KEY_LENGTH) return distance(name, key) === 1 && (name.startsWith(key) || key.startsWith(name))
  return distance(name.toUpperCase(), key) <= 2
}

/** The key of ours that is nearest to `name`, among those that have its first word and another one in common with it. */
function likeliest (name: string): ConfigKey | undefined {
  const upper = name.toUpperCase()
  const words = new Set(upper.split('_'))
  const [first = ''] = words
  const [nearest] = CONFIG_KEYS
    .filter((key) => key.startsWith(`${first}_`) && key.split('_').filter((word) => words.has(word)).length >= 2)
    .toSorted((a, b) => distance(upper, a) - distance(upper, b))
  return nearest
}
