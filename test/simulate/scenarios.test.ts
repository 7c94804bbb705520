import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { play, shortened } from '../../simulate/play.ts'
import { policiesFor } from '../../simulate/policies.ts'
import { metricsOf } from '../../simulate/report/metrics.ts'
import { SCENARIOS } from '../../simulate/scenarios/index.ts'
import { BUILT_IN_POLICIES } from '../../src/testing/index.ts'
import { ROOT } from '../scripts/child.ts'

/** How much of its time each is played for. */
const PART = 0.04

for (const scenario of SCENARIOS) {
  t.test(`${scenario.name} can be played, and says something of each policy`, async (t) => {
    const policies = policiesFor(scenario, undefined, [])
    const played = await play(shortened(scenario, PART), { policies, seed: 1 })
    t.strictSame(played.results.map(({ policy }) => policy), scenario.policies ?? [...BUILT_IN_POLICIES.keys()])
    for (const result of played.results) {
      t.ok(result.requests > 100, `${result.requests} requests`)
      t.ok(result.failed < result.requests)
      for (const { key, of } of metricsOf(played)) t.ok(of(result) >= 0, key)
    }
  })
}

t.test('what happens concerns backends that are there, within its time', async (t) => {
  for (const { name, options: { changes = [], backends, durationMs, warmUpMs = 0 } } of SCENARIOS) {
    t.ok(warmUpMs < durationMs, name)
    for (const change of changes) {
      t.ok(change.atMs < durationMs, name)
      t.ok((change.backends ?? []).every((index) => index < backends.length), name)
    }
  }
})

t.test('each has a name of its own, and says what it is', async (t) => {
  t.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length)
  t.ok(SCENARIOS.every(({ name, about, title }) => /^[a-z-]+$/.test(name) && about.endsWith('.') && title !== ''))
})

t.test('no file of scenarios is left out', async (t) => {
  const files = readdirSync(join(ROOT, 'simulate/scenarios')).filter((file) => !['common.ts', 'index.ts'].includes(file))
  const modules = await Promise.all(files.map((file) => import(join(ROOT, 'simulate/scenarios', file))))
  const exported = modules.flatMap((module: object): unknown[] => Object.values(module))
  t.same(new Set(exported), new Set(SCENARIOS))
})

t.test('settings that are given go before those of the scenario', async (t) => {
  const hedged = SCENARIOS.find(({ name }) => name === 'tail-hedged')
  if (hedged === undefined) throw new Error('no tail-hedged')
  const policies = policiesFor(hedged, ['power-of-two'], [])
  const hedges = async (settings: object): Promise<number> => (await play(shortened(hedged, 0.2), { policies, seed: 1, settings })).results[0]?.hedges ?? -1
  t.ok(await hedges({}) > 0)
  t.equal(await hedges({ HEDGING: 'off' }), 0)
})
