/**
 * `npm run chaos`: faults on real processes, under load, as chaos/README.md tells. `-- --help` lists the arguments. Needs Linux with two
 * processors, taskset, nginx and openssl; root and ip for one of the faults. HAProxy and Caddy are left out, and named, where they are missing.
 */
import { randomInt } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { ArgumentError } from '../bench/choice.ts'
import { machine } from '../bench/machine.ts'
import { revisionOf } from '../bench/peers/revision.ts'
import { stepAside } from '../bench/processes.ts'
import { ROOT, Site } from '../bench/site.ts'
import { hasTool } from '../bench/tools.ts'
import { type Arguments, readArguments, USAGE } from './arguments.ts'
import { play } from './play.ts'
import { durationMs, type Program, programOf } from './program.ts'
import { pageText } from './report/page.ts'
import { actTable, errorsText } from './report/table.ts'
import type { Act, Result } from './types.ts'

const NEEDED = ['taskset', 'nginx', 'openssl']
const MAX_NEW_SEED = 1_000_000

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log(USAGE)
  process.exit(0)
}
await run(argumentsOrExit())

async function run (asked: Arguments): Promise<void> {
  const { faults, seed, out } = asked
  stepAside()
  const site = new Site()
  const programs = faults.map((fault) => programOf(fault, asked))
  console.log(`seed ${seed}; ${programs.flatMap(({ gateways }) => gateways).length} plays, about ${Math.ceil(durationMs(programs) / 60_000)} minutes`)
  const acts: Act[] = []
  for (const program of programs) {
    const act = await playAll(site, program, seed)
    acts.push(act)
    console.log(`\n## ${act.fault.title}\n\n${[...act.notes, actTable(act)].join('\n\n')}\n`)
    // After each of them: what a run has measured has to outlive its end.
    if (out !== undefined) writePage(out, asked, acts)
  }
  if (out !== undefined) console.log(`written to ${out}`)
}

async function playAll (site: Site, { fault, gateways, notes }: Program, seed: number): Promise<Act> {
  const results: Result[] = []
  for (const gateway of gateways) {
    const result = await play(site, fault, gateway, seed)
    results.push(result)
    const { outcome } = result
    process.stderr.write(`${fault.name}, ${gateway.name}, ${gateway.settings}: ${typeof outcome === 'string' ? outcome : `${outcome.requests} requests, errors: ${errorsText(outcome)}`}\n`)
  }
  return { fault, results, notes }
}

function writePage (file: string, { faults, peers, seed }: Arguments, acts: readonly Act[]): void {
  const given = args.includes('--seed') ? args : [...args, '--seed', String(seed)]
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, pageText({
    acts,
    peers,
    command: `npm run chaos -- ${given.join(' ')}`,
    revision: revisionOf(ROOT),
    machine: machine(),
    date: new Date(),
    left: faults.slice(acts.length).map(({ name }) => name)
  }))
}

function argumentsOrExit (): Arguments {
  try {
    const read = readArguments(args, () => randomInt(MAX_NEW_SEED))
    const missing = NEEDED.filter((tool) => !hasTool(tool))
    if (missing.length > 0) throw new ArgumentError(`missing: ${missing.join(', ')}; on Debian: apt-get install util-linux nginx openssl`)
    if (availableParallelism() < 2) throw new ArgumentError('two processors are needed: one for the gateway, one for the load')
    return read
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    return process.exit(2)
  }
}
