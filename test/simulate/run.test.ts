/** The command as it is given. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Child } from '../scripts/child.ts'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function simulate (t: Test, ...args: string[]): Promise<Ended> {
  const child = new Child(['simulate/run.ts', ...args])
  t.teardown(() => child.kill())
  const code = await child.exitCode()
  return { code, stdout: child.stdout, stderr: child.stderr }
}

const FEW = ['--scenario', 'black-hole,skewed-keys', '--policy', 'random,bounded-hash']

t.test('the same arguments write the same bytes, and another seed writes others', async (t) => {
  const folder = t.testdir({})
  const texts = []
  for (const [name, seed] of [['first', '7'], ['second', '7'], ['third', '8']] as const) {
    const { code, stderr } = await simulate(t, ...FEW, '--seed', seed, '--out', join(folder, name))
    t.strictSame([code, stderr], [0, ''])
    texts.push(['README.md', 'black-hole.svg', 'skewed-keys.svg'].map((file) => readFileSync(join(folder, name, file), 'utf8')).join('\n'))
  }
  const [first = '', second, third] = texts
  t.equal(first, second)
  t.not(first, third)
  t.match(first, '`npm run simulate -- --scenario black-hole,skewed-keys --policy random,bounded-hash --seed 7`')
})

t.test('what is only printed is printed', async (t) => {
  const { code, stdout } = await simulate(t, '--scenario', 'black-hole', '--policy', 'random', '--no-write')
  t.equal(code, 0)
  t.match(stdout, /## One backend answers 500 at once[^]*\| random \| [^]*What failed: random \d+ × 500/)
  t.notMatch(stdout, 'written')
})

t.test('a policy of one\'s own is compared with the others', async (t) => {
  const { code, stdout } = await simulate(t, '--scenario', 'black-hole', '--policy', 'random', '--plugin', 'examples/policy-plugin/least-of-three.ts')
  t.equal(code, 0)
  t.match(stdout, /\| random \|[^]*\| least-of-three \|/)
})

t.test('a module that cannot be used is refused with the reason', async (t) => {
  const folder = t.testdir({
    'no-name.mjs': 'export const factory = () => ({})',
    'no-factory.mjs': 'export const name = "mine"',
    'broken.mjs': 'export const name = "mine"; export const factory = () => ({ name, rebuild () {}, pick () {} })',
    'throws.mjs': 'throw new Error("not today")'
  })
  const refusals = [
    ['no-name.mjs', /export the policy's name as "name"/],
    ['no-factory.mjs', /export what makes the policy as "factory"/],
    ['broken.mjs', /picks nobody although/],
    ['throws.mjs', /cannot be loaded: not today/],
    ['gone.mjs', /cannot be loaded/]
  ] as const
  for (const [file, reason] of refusals) {
    const { code, stderr } = await simulate(t, '--plugin', join(folder, file))
    t.equal(code, 2, file)
    t.match(stderr, reason)
    t.match(stderr, 'npm run simulate --')
  }
})

t.test('wrong arguments end it with what there is', async (t) => {
  const { code, stderr, stdout } = await simulate(t, '--scenario', 'slow')
  t.equal(code, 2)
  t.match(stderr, /"slow" is not there/)
  t.equal(stdout, '')
  t.match((await simulate(t, '--help')).stdout, /--plugin {4}a module/)
})
