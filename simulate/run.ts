/**
 * `npm run simulate`: the policies of the gateway in scenarios on a virtual clock, as docs/policies/README.md tells. `-- --help` lists the
 * arguments. The same arguments give the same report.
 */
import { ArgumentError } from '../bench/choice.ts'
import { type Arguments, readArguments, USAGE } from './arguments.ts'
import { play } from './play.ts'
import { loadPolicy, policiesFor } from './policies.ts'
import { contradictions } from './report/advice-text.ts'
import { writeReport } from './report/markdown.ts'
import { failures, resultTable } from './report/table.ts'
import type { NamedPolicy, Played } from './types.ts'

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log(USAGE)
  process.exit(0)
}
try {
  const read = readArguments(args)
  await run(read, await Promise.all(read.plugins.map((file) => loadPolicy(file))))
} catch (error) {
  if (!(error instanceof ArgumentError)) throw error
  console.error(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}

async function run ({ scenarios, policies: names, seed, settings, out }: Arguments, tried: readonly NamedPolicy[]): Promise<void> {
  const all: Played[] = []
  for (const scenario of scenarios) {
    const played = await play(scenario, { policies: policiesFor(scenario, names, tried), seed, settings })
    all.push(played)
    console.log(`\n## ${scenario.title}\n\n${scenario.name}: ${scenario.about}\n\n${resultTable(played)}\n${failures(played) ?? ''}`)
  }
  const contradicted = contradictions(all)
  if (contradicted.length > 0) console.log(`\nWhat this run does not bear out of the advice:\n${contradicted.map((text) => `- ${text}`).join('\n')}`)
  if (out === undefined) return
  // Where it was written to is no part of what was done.
  const asked = args.filter((arg, i) => arg !== '--out' && args[i - 1] !== '--out' && !arg.startsWith('--out='))
  const command = ['npm run simulate', ...asked.length === 0 ? [] : ['--', ...asked]].join(' ')
  writeReport(out, { played: all, command, seed })
  console.log(`\nwritten to ${out}`)
}
