/** The arguments of `npm run bench`. A wrong one is an error that says what there is. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ArgumentError, chosen } from './choice.ts'
import { PEERS, shortName } from './peers/index.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { ROOT } from './site.ts'
import type { Load, Peer, Scenario } from './types.ts'

const DEFAULT_ROUNDS = 10
const DEFAULT_SECONDS = 1
const DEFAULT_WARM_UP_SECONDS = 5

export interface Arguments {
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  readonly load: Load
  /** Where the report goes; undefined: it is only printed. */
  readonly out: string | undefined
}

export const USAGE = `npm run bench -- [--peers NAME,...] [--scenario NAME,...] [--rounds N] [--seconds S] [--warm-up S] [--connections N] [--out DIR | --no-write]

  --peers        default: all. ${PEERS.map(shortName).join(', ')}
  --scenario     default: all. ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rounds       slices for each peer; default: ${DEFAULT_ROUNDS}
  --seconds      length of a slice, may be a fraction; default: ${DEFAULT_SECONDS}
  --warm-up      seconds of load before; default: ${DEFAULT_WARM_UP_SECONDS}
  --connections  default: what the scenario says
  --out          folder of the report; default: docs/benchmarks, for a run of everything
  --no-write     print only; the default for a run with --peers or --scenario
`

/** Reads them; throws an ArgumentError. */
export function readArguments (args: readonly string[]): Arguments {
  const values = parse(args)
  const peers = chosen('--peers', values.peers, PEERS, shortName)
  const scenarios = chosen('--scenario', values.scenario, SCENARIOS, ({ name }) => name)
  const isWhole = values.peers === undefined && values.scenario === undefined
  if (values.out !== undefined && values['no-write'] === true) throw new ArgumentError('--out and --no-write contradict each other: leave one out')
  const out = values.out ?? (isWhole && values['no-write'] !== true ? join(ROOT, 'docs/benchmarks') : undefined)
  const connections = values.connections === undefined ? undefined : positive('--connections', values.connections, true)
  return {
    peers,
    scenarios,
    load: {
      rounds: positive('--rounds', values.rounds, true),
      seconds: positive('--seconds', values.seconds, false),
      warmUpSeconds: positive('--warm-up', values['warm-up'], false),
      connections
    },
    out
  }
}

interface Values {
  readonly peers?: string
  readonly scenario?: string
  readonly rounds: string
  readonly seconds: string
  readonly 'warm-up': string
  readonly connections?: string
  readonly out?: string
  readonly 'no-write'?: boolean
}

function parse (args: readonly string[]): Values {
  const string = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        peers: string,
        scenario: string,
        rounds: { ...string, default: String(DEFAULT_ROUNDS) },
        seconds: { ...string, default: String(DEFAULT_SECONDS) },
        'warm-up': { ...string, default: String(DEFAULT_WARM_UP_SECONDS) },
        connections: string,
        out: string,
        'no-write': { type: 'boolean' }
      }
    }).values
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error))
  }
}

function positive (flag: string, text: string, isWhole: boolean): number {
  const number = Number(text)
  const isGood = number > 0 && Number.isFinite(number) && (!isWhole || Number.isInteger(number))
  if (!isGood) throw new ArgumentError(`${flag}: "${text}" is not a ${isWhole ? 'whole number' : 'number'} above 0`)
  return number
}
