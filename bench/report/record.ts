/**
 * The figures that a report was made of, kept beside it: a later run of some scenarios puts its figures in the place of theirs, and leaves
 * the others.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { revisionOf } from '../peers/revision.ts'
import { ROOT } from '../site.ts'
import { SCENARIOS } from '../scenarios/index.ts'
import type { Load, Missing, Result, Sample } from '../types.ts'

/** A result, with the run that it is of. */
export interface Recorded extends Result {
  /** As it was given, to be given again. */
  readonly command: string
  readonly date: Date
  /** Of Fastlancer. */
  readonly revision: string
}

/** As it stands in the file. */
interface Entry {
  readonly scenario: string
  readonly command: string
  readonly date: string
  readonly revision: string
  readonly load: Load
  readonly missing: readonly Missing[]
  readonly repeated: number
  readonly samples: ReadonlyArray<readonly [entrant: string, samples: ReadonlyArray<Sample | null>]>
}

const FILE = 'results.json'

/** A result of now. */
export function recorded (result: Result, command: string, date: Date): Recorded {
  return { ...result, command, date, revision: revisionOf(ROOT) }
}

/** What is kept in `folder`, in the order of the scenarios; of scenarios that are gone nothing. */
export function readRecord (folder: string): Recorded[] {
  const path = join(folder, FILE)
  if (!existsSync(path)) return []
  const entries: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!Array.isArray(entries) || !entries.every(isEntry)) throw new Error(`${path} is not a record of results: remove it`)
  return inOrder(entries.flatMap(fromEntry))
}

/** `results` in the place of those of the same scenarios among `before`. */
export function merged (before: readonly Recorded[], results: readonly Recorded[]): Recorded[] {
  const names = new Set(results.map(({ scenario }) => scenario.name))
  return inOrder([...before.filter(({ scenario }) => !names.has(scenario.name)), ...results])
}

export function writeRecord (folder: string, results: readonly Recorded[]): void {
  const lines = results.map((result) => JSON.stringify(toEntry(result)))
  writeFileSync(join(folder, FILE), `[\n${lines.join(',\n')}\n]\n`)
}

function inOrder (results: readonly Recorded[]): Recorded[] {
  const place = ({ scenario }: Recorded): number => SCENARIOS.findIndex(({ name }) => name === scenario.name)
  return results.toSorted((a, b) => place(a) - place(b))
}

function toEntry ({ scenario, load, entrants, missing, samples, repeated, command, date, revision: ours }: Recorded): Entry {
  return {
    scenario: scenario.name,
    command,
    date: date.toISOString(),
    revision: ours,
    load,
    missing,
    repeated,
    samples: entrants.map((entrant) => [entrant, Array.from(samples.get(entrant) ?? [], (sample) => sample ?? null)])
  }
}

function fromEntry (entry: Entry): Recorded[] {
  const scenario = SCENARIOS.find(({ name }) => name === entry.scenario)
  if (scenario === undefined) return []
  const { command, load, missing, repeated } = entry
  return [{
    scenario,
    load,
    missing,
    repeated,
    command,
    date: new Date(entry.date),
    revision: entry.revision,
    entrants: entry.samples.map(([entrant]) => entrant),
    samples: new Map(entry.samples.map(([entrant, samples]) => [entrant, samples.map((sample) => sample ?? undefined)]))
  }]
}

/** The file is ours: what tells it from others is enough. */
function isEntry (value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && 'scenario' in value && 'samples' in value && Array.isArray(value.samples)
}
