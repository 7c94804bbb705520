/** The arguments of `npm run simulate`. A wrong one is an error that says what there is. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ArgumentError, chosen, MAX_SEED, readSeed } from '../bench/choice.ts'
import { BUILT_IN_POLICIES, type Settings, settingsOf } from '../src/testing/index.ts'
import { SCENARIOS } from './scenarios/index.ts'
import type { Scenario } from './types.ts'

const ROOT = join(import.meta.dirname, '..')

const DEFAULT_SEED = 1

export interface Arguments {
  readonly scenarios: readonly Scenario[]
  /** Names of built-in policies; undefined: all that say something in a scenario. */
  readonly policies: readonly string[] | undefined
  /** Modules with policies to be tried. */
  readonly plugins: readonly string[]
  readonly seed: number
  /** Configuration that goes before what scenarios say. */
  readonly settings: Settings
  /** Where the report goes; undefined: it is only printed. */
  readonly out: string | undefined
}

export const USAGE = `npm run simulate -- [--scenario NAME,...] [--policy NAME,...] [--plugin FILE]... [--set KEY=VALUE]... [--seed N] [--out DIR | --no-write]

  --scenario  default: all. ${SCENARIOS.map(({ name }) => name).join(', ')}
  --policy    default: all. ${[...BUILT_IN_POLICIES.keys()].join(', ')}
  --plugin    a module that exports a policy of your own as "name" and "factory"; it is compared with the others
  --set       a key of the configuration, such as HEDGING=on, for all gateways
  --seed      a whole number from 0 to ${MAX_SEED}: other requests, other times; default: ${DEFAULT_SEED}
  --out       folder of the report; default: docs/policies, for a run of everything
  --no-write  print only; the default for a run with --scenario, --policy, --plugin or --set
`

/** Reads them; throws an ArgumentError. */
export function readArguments (args: readonly string[]): Arguments {
  const { scenario, policy, plugin: plugins = [], set = [], seed, out, 'no-write': isPrintedOnly = false } = parse(args)
  if (out !== undefined && isPrintedOnly) throw new ArgumentError('--out and --no-write contradict each other: leave one out')
  const isWhole = scenario === undefined && policy === undefined && plugins.length === 0 && set.length === 0
  return {
    scenarios: chosen('--scenario', scenario, SCENARIOS, ({ name }) => name),
    policies: policy === undefined ? undefined : chosen('--policy', policy, [...BUILT_IN_POLICIES.keys()], (name) => name),
    plugins,
    seed: readSeed(seed),
    settings: readSettings(set),
    out: out ?? (isWhole && !isPrintedOnly ? join(ROOT, 'docs/policies') : undefined)
  }
}

interface Values {
  readonly scenario?: string
  readonly policy?: string
  readonly plugin?: string[]
  readonly set?: string[]
  readonly seed: string
  readonly out?: string
  readonly 'no-write'?: boolean
}

function parse (args: readonly string[]): Values {
  const string = { type: 'string' } as const
  const strings = { type: 'string', multiple: true } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: string,
        policy: string,
        plugin: strings,
        set: strings,
        seed: { ...string, default: String(DEFAULT_SEED) },
        out: string,
        'no-write': { type: 'boolean' }
      }
    }).values
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error))
  }
}

function readSettings (pairs: readonly string[]): Settings {
  const shapeless = pairs.filter((pair) => !/^[A-Z0-9_]+=/.test(pair))
  if (shapeless.length > 0) throw new ArgumentError(`--set: "${shapeless.join('", "')}" is not KEY=VALUE`)
  try {
    return settingsOf(Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])))
  } catch (error) {
    throw new ArgumentError(`--set: ${error instanceof Error ? error.message : String(error)}`)
  }
}
