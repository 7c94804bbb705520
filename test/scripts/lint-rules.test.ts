/** The linter keeps the direction of the imports, and time and the environment where they belong. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { ROOT } from './child.ts'

const OXLINT = join(ROOT, 'node_modules/oxlint/bin/oxlint')

/** A file, what stands in it, and the rule that it breaks. */
type Offence = readonly [file: string, text: string, rule: string]

const importing = (file: string, from: string): Offence => [file, `import { a } from '${from}'\nexport const b = a\n`, 'no-restricted-imports']
const typing = (file: string, from: string): Offence => [file, `import type { A } from '${from}'\nexport type B = A\n`, 'no-restricted-imports']

const OFFENCES: readonly Offence[] = [
  ...['node:http', 'node:timers', 'fastify', '@fastify/error', 'pino', 'undici'].flatMap((name) => [importing('src/pool/a.ts', name), importing('src/health/a.ts', name)]),
  typing('src/pool/a.ts', 'fastify'),
  importing('src/pool/policies/a.ts', '../../upstream/engine.ts'),
  importing('src/pool/a.ts', '../health/monitor.ts'),
  importing('src/pool/a.ts', '../observe/logger.ts'),
  typing('src/health/a.ts', '../upstream/engine.ts'),
  importing('src/errors.ts', './pool/pool.ts'),
  importing('src/config/a.ts', '../pool/pool.ts'),
  importing('src/observe/a.ts', '../upstream/engine.ts'),
  importing('src/discovery/a.ts', '../upstream/engine.ts'),
  importing('src/upstream/a.ts', 'fastify'),
  importing('src/upstream/a.ts', '@fastify/http-proxy'),
  importing('src/upstream/a.ts', '../../plugins/pool.ts'),
  importing('src/upstream/a.ts', '../app.ts'),
  importing('src/healthcheck.ts', './server.ts'),
  importing('src/app.ts', './server.ts'),
  importing('plugins/a.ts', '../src/app.ts'),
  importing('src/app.ts', './threads/supervisor.ts'),
  importing('src/client/a.ts', '../threads/messages.ts'),
  importing('src/upstream/a.ts', '../threads/messages.ts'),
  importing('src/shutdown/a.ts', '../threads/messages.ts'),
  importing('plugins/a.ts', '../src/threads/supervisor.ts'),
  importing('src/threads/a.ts', '../server.ts'),
  ...['src/upstream/a.ts', 'src/pool/a.ts', 'src/health/a.ts', 'src/client/a.ts', 'src/discovery/a.ts', 'src/config/a.ts', 'src/threads/a.ts'].map((file) => importing(file, '../testing/index.ts')),
  importing('src/app.ts', './testing/index.ts'),
  importing('src/index.ts', './testing/index.ts'),
  importing('plugins/a.ts', '../src/testing/index.ts'),
  importing('src/testing/a.ts', 'fastify'),
  importing('src/testing/a.ts', '../app.ts'),
  importing('src/testing/a.ts', '../../plugins/pool.ts'),
  importing('simulate/a.ts', '../src/pool/pool.ts'),
  ['src/testing/a.ts', 'export const a = Math.random()\n', 'no-restricted-properties'],
  ['src/testing/a.ts', 'setTimeout(console.log, 1)\n', 'no-restricted-globals'],
  ['simulate/scenarios/a.ts', 'export const a = Date.now()\n', 'no-restricted-properties'],
  ['src/pool/a.ts', 'export const a = Date.now()\n', 'no-restricted-properties'],
  ['src/health/a.ts', 'export const a = Math.random()\n', 'no-restricted-properties'],
  ['src/pool/a.ts', 'export const a = performance.now()\n', 'no-restricted-globals'],
  ['src/health/a.ts', 'setTimeout(console.log, 1)\n', 'no-restricted-globals'],
  ['src/upstream/a.ts', "export const a = process.env['A']\n", 'no-process-env'],
  ['plugins/a.ts', "export const a = process.env['A']\n", 'no-process-env']
]

/** Files that break no rule of this kind. */
const FINE: readonly Offence[] = [
  importing('src/pool/policies/a.ts', '../counters.ts'),
  importing('src/pool/a.ts', '../errors.ts'),
  importing('src/health/a.ts', '../pool/pool.ts'),
  importing('src/errors.ts', '@fastify/error'),
  importing('src/upstream/a.ts', '../health/prober.ts'),
  importing('src/upstream/a.ts', 'undici'),
  importing('plugins/a.ts', '../src/upstream/engine.ts'),
  importing('src/app.ts', '../plugins/pool.ts'),
  importing('src/server.ts', './app.ts'),
  importing('src/server.ts', './threads/supervisor.ts'),
  importing('src/threads/a.ts', '../app.ts'),
  importing('src/threads/a.ts', '../../plugins/admin.ts'),
  importing('src/threads/a.ts', '../shutdown.ts'),
  typing('src/threads/a.ts', 'fastify'),
  importing('src/testing/a.ts', '../upstream/engine-parts.ts'),
  importing('simulate/a.ts', '../src/testing/index.ts'),
  importing('test/a.test.ts', '../src/app.ts'),
  ['plugins/a.ts', 'export const a = Date.now()\n', 'no-restricted-properties'],
  ['scripts/a.ts', "export const a = process.env['A']\n", 'no-process-env'],
  ['src/config/environment.ts', "export const a = process.env['A']\n", 'no-process-env']
]

t.test('what runs against the direction is refused', async (t) => {
  const broken = lint(t, OFFENCES)
  OFFENCES.forEach(([file, text, rule], i) => t.ok(broken[i]?.includes(rule), `${file}: ${text}`))
})

t.test('what runs along the direction is let through', async (t) => {
  const broken = lint(t, FINE)
  FINE.forEach(([file, text, rule], i) => t.notOk(broken[i]?.includes(rule), `${file}: ${text}`))
})

/** The names of the rules that each one breaks. One run sees them all, under names that differ. */
function lint (t: Test, offences: readonly Offence[]): string[][] {
  const tree = mkdtempSync(join(tmpdir(), 'fastlancer-lint-'))
  t.teardown(() => rmSync(tree, { recursive: true }))
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(tree, '.oxlintrc.json'))
  const names = offences.map(([file], i) => file.replace(/\ba\.(test\.)?ts$/, `a${i}.$1ts`))
  offences.forEach(([, text], i) => write(join(tree, names[i] ?? ''), text))
  // Without the test runner's own options for Node, which the linter's starter does not survive.
  const command = ['-u', 'NODE_OPTIONS', process.execPath, OXLINT, '--format', 'unix']
  const { stdout, stderr } = spawnSync('env', command, { cwd: tree, encoding: 'utf8' })
  const lines = stdout.split('\n')
  t.ok(lines.length > offences.length, stderr)
  return names.map((name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => /\(([\w-]+)\)\]$/.exec(line)?.[1] ?? ''))
}

function write (path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
