/**
 * `npm run fuzz`: sends made-up requests and answers, most of them broken, through a gateway of its own, and compares what comes
 * out with what Node's parsers see in the bytes. A finding is told with its seed and its bytes, and makes the exit code 1.
 *
 *   npm run fuzz -- [--seconds 60] [--seed N] [--cases N]
 *
 * `--seed N --cases 1` plays one case again. A case worth keeping goes into test/security/fuzz-seeds.json. Needs Linux: each client
 * has an address of its own in 127.0.0.0/8.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type Finding, fuzz } from '../test/security/fuzz/fuzzer.ts'

const DEFAULT_SECONDS = '60'
const MAX_SEED = 2 ** 31

const { values } = parseArgs({ options: { seconds: { type: 'string', default: DEFAULT_SECONDS }, seed: { type: 'string' }, cases: { type: 'string' } } })
const seed = values.seed === undefined ? randomInt(MAX_SEED) : whole('seed', values.seed)
const maxCases = values.cases === undefined ? undefined : whole('cases', values.cases)

const { cases, accepted, refused, findings } = await fuzz({ seed, timeMs: whole('seconds', values.seconds) * 1_000, ...(maxCases !== undefined && { maxCases }) })
for (const finding of findings) tell(finding)
console.log(`${cases} cases, ${accepted} accepted, ${refused} refused, ${findings.length} findings, seed ${seed}`)
if (findings.length > 0) process.exitCode = 1

function tell ({ seed: caseSeed, faults, played }: Finding): void {
  console.error(caseSeed === undefined ? 'FINDING besides the cases' : `FINDING, seed ${caseSeed}`)
  for (const fault of faults) console.error(`  ${fault}`)
  if (played !== undefined) console.error(`  ${JSON.stringify(played)}`)
}

function whole (name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name} has to be a whole number`)
  return Number(text)
}
