import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { merged, readRecord, type Recorded, recorded, writeRecord } from '../../bench/report/record.ts'
import { SCENARIOS } from '../../bench/scenarios/index.ts'
import { madeResult } from './made-result.ts'

const DATE = new Date('2026-11-22T10:00:00Z')

/** A result of a scenario that there is. */
function ofScenario (name: string, rate: number): Recorded {
  const scenario = SCENARIOS.find((one) => one.name === name)
  if (scenario === undefined) throw new Error(`no scenario ${name}`)
  const made = madeResult({ rates: { Fastlancer: [rate, undefined], nginx: [2, 3] }, missing: [{ name: 'Caddy', reason: 'not there' }] })
  return recorded({ ...made, scenario, entrants: ['nginx', 'Fastlancer'], repeated: 2 }, 'npm run bench', DATE)
}

t.test('what is written is read again, rounds that failed and the order of entrants included', async (t) => {
  const folder = t.testdir()
  const results = [ofScenario('small', 1), ofScenario('latency', 5)]
  writeRecord(folder, results)
  t.strictSame(readRecord(folder), results)
})

t.test('where nothing was written there is nothing', async (t) => {
  t.strictSame(readRecord(t.testdir()), [])
})

t.test('a later run takes the place of its scenarios, and of no other; the order is that of the scenarios', async (t) => {
  const [small, latency, again] = [ofScenario('small', 1), ofScenario('latency', 5), ofScenario('small', 7)]
  t.strictSame(merged([small, latency], [again]), [again, latency])
  t.strictSame(merged([latency], [small]), [small, latency])
})

t.test('scenarios that are gone are left out', async (t) => {
  const folder = t.testdir()
  const [small] = [ofScenario('small', 1)]
  writeRecord(folder, [small, { ...small, scenario: { ...small.scenario, name: 'gone' } }])
  t.strictSame(readRecord(folder), [small])
})

t.test('a file that is something else is not overwritten without a word', async (t) => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'results.json'), '{}')
  t.throws(() => readRecord(folder), /results\.json is not a record of results: remove it/)
})
