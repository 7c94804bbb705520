import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../../bench/site.ts'
import { startFlags } from '../../bench/start-flags.ts'

t.test('the benchmark starts Node as npm start does, and as the container does', async (t) => {
  const flags = startFlags(ROOT)
  t.ok(flags.includes('--expose-gc'))
  t.ok(flags.includes('--no-allocation-site-pretenuring'))
  const command: unknown = JSON.parse(/^CMD (\[.*\])$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1] ?? 'null')
  t.strictSame(command, ['node', ...flags, 'src/server.ts'])
})

t.test('a checkout without flags has none, and one that starts something else is an error', async (t) => {
  const folder = t.testdir({})
  const starting = (start: string): void => writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { start } }, undefined, 2))
  starting('node src/server.ts')
  t.strictSame(startFlags(folder), [])
  starting('node other.ts')
  t.throws(() => startFlags(folder), /"npm start" does not run/)
})
