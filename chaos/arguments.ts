/** The arguments of `npm run chaos`. A wrong one is an error that says what there is. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ArgumentError, chosen, readSeed } from '../bench/choice.ts'
import { ROOT } from '../bench/site.ts'
import { BUILT_IN_POLICIES } from '../src/pool/policies/built-in.ts'
import { FAULTS } from './faults/index.ts'
import { type OtherGateway, PEERS } from './gateways/peers.ts'
import { SETTINGS } from './settings.ts'
import type { Fault } from './types.ts'

export interface Arguments {
  readonly faults: readonly Fault[]
  readonly policies: readonly string[]
  /** Names out of settings.ts. */
  readonly settings: readonly string[]
  readonly peers: readonly OtherGateway[]
  /** Decides paths and pauses of the load. */
  readonly seed: number
  /** The file that the page goes to; undefined: it is only printed. */
  readonly out: string | undefined
}

export const POLICIES: readonly string[] = [...BUILT_IN_POLICIES.keys()]

const NO_PEERS = 'none'

export const USAGE = `npm run chaos -- [--fault NAME,...] [--policy NAME,...] [--settings NAME,...] [--peers NAME,...] [--seed N] [--out FILE | --no-write]

  --fault        default: all. ${FAULTS.map(({ name }) => name).join(', ')}
  --policy       default: all. ${POLICIES.join(', ')}
  --settings     default: all. ${SETTINGS.join(', ')}
  --peers        default: all, but none with --policy or --settings. ${PEERS.map(shortName).join(', ')}, ${NO_PEERS}
  --seed         of the load's random paths and pauses; default: a new one
  --out          the page; default: docs/reliability.md, for a run of everything
  --no-write     print only; the default for a part of it
`

/** Reads them; throws an ArgumentError. */
export function readArguments (args: readonly string[], newSeed: () => number): Arguments {
  const values = parse(args)
  if (values.out !== undefined && values['no-write'] === true) throw new ArgumentError('--out and --no-write contradict each other: leave one out')
  const hasChosenOurs = values.policy !== undefined || values.settings !== undefined
  const isWhole = !hasChosenOurs && values.fault === undefined && values.peers === undefined
  return {
    faults: chosen('--fault', values.fault, FAULTS, ({ name }) => name),
    policies: chosen('--policy', values.policy, POLICIES, (name) => name),
    settings: chosen('--settings', values.settings, SETTINGS, (name) => name),
    peers: chosenPeers(values.peers ?? (hasChosenOurs ? NO_PEERS : undefined)),
    seed: values.seed === undefined ? newSeed() : readSeed(values.seed),
    out: values.out ?? (isWhole && values['no-write'] !== true ? join(ROOT, 'docs/reliability.md') : undefined)
  }
}

interface Given {
  readonly fault?: string
  readonly policy?: string
  readonly settings?: string
  readonly peers?: string
  readonly seed?: string
  readonly out?: string
  readonly 'no-write'?: boolean
}

function parse (args: readonly string[]): Given {
  const string = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      options: { fault: string, policy: string, settings: string, peers: string, seed: string, out: string, 'no-write': { type: 'boolean' } }
    }).values
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error))
  }
}

function chosenPeers (text: string | undefined): readonly OtherGateway[] {
  return text === NO_PEERS ? [] : chosen('--peers', text, PEERS, shortName)
}

function shortName ({ name }: OtherGateway): string {
  return name.toLowerCase()
}
