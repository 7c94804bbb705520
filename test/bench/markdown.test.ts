import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { markdown, type Report, writeReport } from '../../bench/report/markdown.ts'
import type { Recorded } from '../../bench/report/record.ts'
import type { Peer } from '../../bench/types.ts'
import { madeResult } from './made-result.ts'

const PEER: Peer = {
  name: 'nginx', kind: 'gateway', about: 'as it is', lacks: {}, version: () => '1.2.3', start: async () => { throw new Error('not here') }
}

const COMMAND = 'npm run bench -- --rounds 3'
const DATE = new Date('2026-11-22T10:00:00Z')
const RECORDED: Recorded = { ...madeResult({ rates: { Fastlancer: [100, 100, 100], nginx: [200, 200, 200] } }), command: COMMAND, date: DATE, revision: 'abc1234' }

const REPORT: Report = {
  results: [RECORDED],
  peers: [PEER],
  load: { rounds: 3, seconds: 1, warmUpSeconds: 1 },
  command: COMMAND,
  machine: [['processor', 'a fast one']],
  date: DATE
}

t.test('a report says that it is generated, when, how and on what', async (t) => {
  const text = markdown(REPORT, new Set())
  t.match(text, /^<!-- Generated/)
  for (const part of ['2026-11-22', '`npm run bench -- --rounds 3`', '3 rounds of 1 s', '| processor | a fast one |', '| nginx | 1.2.3 | as it is |']) t.match(text, part)
})

t.test('a peer that is not on the machine is named', async (t) => {
  t.match(markdown({ ...REPORT, peers: [{ ...PEER, version: () => undefined }] }, new Set()), '| nginx | not on this machine |')
})

t.test('a scenario refers to its plot if there is one', async (t) => {
  t.match(markdown(REPORT, new Set(['small.svg'])), '![Small & fast](small.svg)')
  t.notMatch(markdown(REPORT, new Set()), '.svg')
})

t.test('writing leaves no plot of an older run behind', async (t) => {
  const folder = t.testdir({ 'gone.svg': '', 'notes.txt': '' })
  writeFileSync(join(folder, 'README.md'), 'old')
  writeReport(folder, REPORT)
  t.strictSame(readdirSync(folder).toSorted(), ['README.md', 'notes.txt', 'results.json', 'small.svg'])
  t.match(readFileSync(join(folder, 'README.md'), 'utf8'), '## Small & fast')
})

t.test('a scenario of an earlier run says when and how that was', async (t) => {
  const earlier = { ...RECORDED, command: 'npm run bench', date: new Date('2026-10-01T10:00:00Z') }
  t.match(markdown({ ...REPORT, results: [earlier] }, new Set()), 'Made up. 3 rounds. Measured on 2026-10-01 with `npm run bench`, Fastlancer at abc1234.')
  t.match(markdown(REPORT, new Set()), 'Made up. 3 rounds. Fastlancer at abc1234.\n')
})
