/** The kit as users have it: under its public name, from outside of the checkout. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../scripts/child.ts'

const PROGRAM = `
import { builtInPolicy, constant, simulate } from 'fastlancer/testing'
const { requests, backends } = await simulate({
  policy: builtInPolicy('round-robin'), backends: [1, 2].map(() => ({ servers: 1, service: constant(1) })), traffic: { arrivals: { ratePerS: 100 } }, durationMs: 1000
})
console.log(backends.reduce((sum, { attempts }) => sum + attempts, 0) === requests)
`

t.test('a project that has linked the package imports fastlancer/testing', async (t) => {
  // Within the checkout the name would be found without the link.
  const folder = mkdtempSync(join(tmpdir(), 'fastlancer-linked-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/fastlancer'))
  writeFileSync(join(folder, 'program.mjs'), PROGRAM)
  t.equal(execFileSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' }), 'true\n')
})
