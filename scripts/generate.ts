/**
 * `npm run generate`: writes what is made of something else: of the configuration schema `.env.example` and the table in
 * README.md, of the fault matrix that the tests play docs/reference/faults.md.
 * With `--check` it writes nothing, names each file that is out of date, and exits with 1 if there is one. Works on the
 * files of the working directory, which npm sets to the top of the checkout.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { insertConfigTable, renderConfigTable, renderEnvExample } from '../src/config/render.ts'
import { renderFaultsPage } from '../test/faults/faults-page.ts'

/** How each file is made from what it holds now. */
const GENERATED: ReadonlyMap<string, (present: string) => string> = new Map([
  ['.env.example', renderEnvExample],
  ['README.md', (present: string) => insertConfigTable(present, renderConfigTable())],
  ['docs/reference/faults.md', renderFaultsPage]
])

const isCheck = process.argv.includes('--check')

for (const [name, render] of GENERATED) {
  const present = readIfThere(name)
  const wanted = render(present)
  if (wanted === present) continue
  if (isCheck) {
    console.error(`${name} is out of date: run "npm run generate"`)
    process.exitCode = 1
  } else {
    mkdirSync(dirname(name), { recursive: true })
    writeFileSync(name, wanted)
    console.log(`${name} written`)
  }
}

function readIfThere (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
