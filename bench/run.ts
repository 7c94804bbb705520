/**
 * `npm run bench`: Fastlancer and others, side by side, as bench/README.md tells. `-- --help` lists the arguments.
 * Needs two processors, taskset, wrk, nginx, go and openssl; h2load, HAProxy and Caddy are left out, and named, where they are missing.
 */
import { readArguments, USAGE, type Arguments } from './arguments.ts'
import { ArgumentError } from './choice.ts'
import { machine } from './machine.ts'
import { runScenario } from './measure.ts'
import { stepAside } from './processes.ts'
import { writeReport } from './report/markdown.ts'
import { merged, readRecord, type Recorded, recorded } from './report/record.ts'
import { failures, resultTable } from './report/table.ts'
import { targetTable } from './report/targets.ts'
import { Site } from './site.ts'
import { assertTools, ToolsMissingError } from './tools.ts'

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log(USAGE)
  process.exit(0)
}
await run(argumentsOrExit())

async function run ({ peers, scenarios, load, out }: Arguments): Promise<void> {
  stepAside()
  const site = new Site()
  const command = ['npm run bench', ...args.length === 0 ? [] : ['--', ...args]].join(' ')
  const date = new Date()
  const before = out === undefined ? [] : readRecord(out)
  const results: Recorded[] = []
  for (const scenario of scenarios) {
    const result = await runScenario(site, scenario, peers, load, (line) => process.stderr.write(`${line}\n`))
    results.push(recorded(result, command, date))
    console.log(`\n## ${scenario.title}\n\n${resultTable(result)}\n\n${failures(result) ?? ''}`)
    // After each of them: a run takes more than an hour, and what it has measured has to outlive its end.
    if (out !== undefined) writeReport(out, { results: merged(before, results), peers, load, command, machine: machine(), date })
  }
  console.log(`\n## Targets\n\n${targetTable(results)}`)
  if (out !== undefined) console.log(`\nwritten to ${out}`)
}

function argumentsOrExit (): Arguments {
  try {
    const read = readArguments(args)
    assertTools()
    return read
  } catch (error) {
    if (error instanceof ArgumentError) console.error(`${error.message}\n\n${USAGE}`)
    else if (error instanceof ToolsMissingError) console.error(error.message)
    else throw error
    return process.exit(2)
  }
}
