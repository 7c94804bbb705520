import t from 'tap'
import { readArguments } from '../../simulate/arguments.ts'
import { SCENARIOS } from '../../simulate/scenarios/index.ts'
import { BUILT_IN_POLICIES } from '../../src/testing/index.ts'
import { refusalOf } from '../kit/refusal.ts'

/** What is said of arguments that are refused. */
function refusal (...args: string[]): string {
  return refusalOf(() => readArguments(args))
}

t.test('without arguments everything is played with the first seed, and written to docs/policies', async (t) => {
  const { scenarios, policies, plugins, seed, settings, out } = readArguments([])
  t.strictSame(scenarios, SCENARIOS)
  t.strictSame({ policies, plugins, seed, settings }, { policies: undefined, plugins: [], seed: 1, settings: {} })
  t.match(out, /docs\/policies$/)
})

t.test('scenarios and policies are chosen by name', async (t) => {
  const { scenarios, policies } = readArguments(['--scenario', 'tail, steady', '--policy', 'power-of-two,random'])
  t.strictSame(scenarios.map(({ name }) => name), ['steady', 'tail'])
  t.strictSame(policies, ['random', 'power-of-two'])
})

t.test('plugins and settings are given as often as there are some', async (t) => {
  const { plugins, settings } = readArguments(['--plugin', 'a.ts', '--plugin', 'b.ts', '--set', 'HEDGING=on', '--set', 'EJECT_STATUSES=5xx'])
  t.strictSame(plugins, ['a.ts', 'b.ts'])
  t.strictSame(settings, { HEDGING: 'on', EJECT_STATUSES: '5xx' })
})

t.test('a part of the whole is printed only, unless it is told where to go', async (t) => {
  const parts = [['--scenario', 'steady'], ['--policy', 'random'], ['--plugin', 'a.ts'], ['--set', 'HEDGING=on'], ['--no-write']]
  for (const args of parts) t.equal(readArguments(args).out, undefined, args.join(' '))
  t.equal(readArguments(['--scenario', 'steady', '--out', 'somewhere']).out, 'somewhere')
  t.match(readArguments(['--seed', '7']).out, /docs\/policies$/, 'another seed is the whole all the same')
})

t.test('a name that is not there is refused with those that are', async (t) => {
  t.match(refusal('--scenario', 'slow'), /--scenario: "slow" is not there; there are .*slow-backend, /)
  const message = refusal('--policy', 'round-robin,p2c')
  t.match(message, /"p2c"/)
  for (const name of BUILT_IN_POLICIES.keys()) t.match(message, name)
  t.match(refusal('--policy', ','), /names nothing/)
})

t.test('a seed is a whole number that fits', async (t) => {
  for (const seed of ['-1', '1.5', 'x', '', '4294967296']) t.match(refusal(`--seed=${seed}`), /--seed: .* is not a whole number/, seed)
  t.equal(readArguments(['--seed', '4294967295']).seed, 4_294_967_295)
})

t.test('a setting is a key of the configuration with a value that is allowed there', async (t) => {
  t.match(refusal('--set', 'HEDGING'), /"HEDGING" is not KEY=VALUE/)
  t.match(refusal('--set', 'HEDGING=maybe'), /--set: HEDGING: "maybe" is not allowed: give on, off/)
  t.match(refusal('--set', 'PORT=1'), /--set: PORT: a simulation heeds/)
})

t.test('arguments that contradict each other, and unknown ones, are refused', async (t) => {
  t.match(refusal('--out', 'x', '--no-write'), /contradict/)
  t.match(refusal('--scenarios', 'steady'), /--scenarios/)
  t.match(refusal('steady'), /steady/)
})
