/** `npm run generate` and `npm run generate:check`, on files of their own. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { renderConfigTable, renderEnvExample } from '../../src/config/render.ts'
import { renderFaultsPage } from '../faults/faults-page.ts'
import { Child, ROOT } from './child.ts'

const README = 'A page.\n<!-- config:begin -->\n<!-- config:end -->\nMore of it.\n'

t.test('it writes all files, and its check is content then', async (t) => {
  const cwd = t.testdir({ 'README.md': README })
  const written = await generate(t, cwd)
  t.equal(written.code, 0)
  t.equal(readFileSync(join(cwd, '.env.example'), 'utf8'), renderEnvExample())
  t.ok(readFileSync(join(cwd, 'README.md'), 'utf8').includes(renderConfigTable()))
  t.equal(readFileSync(join(cwd, 'docs/reference/faults.md'), 'utf8'), renderFaultsPage())
  t.same(await generate(t, cwd, '--check'), { code: 0, stdout: '', stderr: '' })
})

t.test('the check names every file that is out of date, and writes nothing', async (t) => {
  const cwd = t.testdir({ 'README.md': README })
  const { code, stderr } = await generate(t, cwd, '--check')
  t.equal(code, 1)
  t.match(stderr, /^\.env\.example is out of date.*\nREADME\.md is out of date.*\ndocs\/reference\/faults\.md is out of date.*\n$/)
  t.equal(readFileSync(join(cwd, 'README.md'), 'utf8'), README)
})

t.test('the check names the stale file alone', async (t) => {
  const cwd = t.testdir({ 'README.md': README })
  await generate(t, cwd)
  writeFileSync(join(cwd, '.env.example'), 'PORT=1\n')
  const { code, stderr } = await generate(t, cwd, '--check')
  t.equal(code, 1)
  t.match(stderr, /\.env\.example/)
  t.notMatch(stderr, /README/)
})

t.test('the files of the checkout are up to date', async (t) => {
  t.same(await generate(t, ROOT, '--check'), { code: 0, stdout: '', stderr: '' })
})

async function generate (t: Test, cwd: string, ...args: string[]): Promise<{ code: number | null, stdout: string, stderr: string }> {
  const child = new Child(['scripts/generate.ts', ...args], { cwd })
  t.teardown(() => child.kill())
  return { code: await child.exitCode(), stdout: child.stdout, stderr: child.stderr }
}
