/** The example of a policy of one's own: as a plugin of the gateway, and as a policy among others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { factory, name } from '../../examples/policy-plugin/least-of-three.ts'
import { assertShares, countPicks, policyFaults, poolUnderTest } from '../../src/testing/index.ts'
import { call, scenario } from '../helper.ts'
import { ROOT } from '../scripts/child.ts'

scenario('POLICY takes it when PLUGINS_DIR has it', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway(origins, { env: { PLUGINS_DIR: 'examples/policy-plugin', POLICY: name } })
  const seen = new Set<string>()
  for (let i = 0; i < 30; i++) seen.add((await call(gateway.url)).text)
  t.strictSame([...seen].toSorted(), ['a', 'b'])
  t.equal(gateway.app.pool.policy.name, name)
})

t.test('it does nothing that a gateway could not live with, and idle backends share evenly', async (t) => {
  t.strictSame(policyFaults(factory), [])
  t.doesNotThrow(() => assertShares(countPicks(poolUnderTest({ policy: factory, weights: [1, 1, 1, 1] }), 10_000), [1, 1, 1, 1]))
})

t.test('of those that it draws it takes the one with the least to do', async (t) => {
  const pool = poolUnderTest({ policy: factory, weights: [1, 1] })
  const [busy] = pool.backends
  if (busy === undefined) throw new Error('no backend')
  pool.begin(busy)
  const [first = 0, second = 0] = countPicks(pool, 8_000)
  // Only if all three draws hit the busy one.
  t.doesNotThrow(() => assertShares([first, second], [1, 7]))
})

t.test('the page about it shows it as it is', async (t) => {
  const [page, example] = ['docs/policies/your-own.md', 'examples/policy-plugin/least-of-three.ts'].map((file) => readFileSync(join(ROOT, file), 'utf8'))
  t.ok(page?.includes(example?.slice(example.indexOf('export const name')) ?? 'nothing'))
})
