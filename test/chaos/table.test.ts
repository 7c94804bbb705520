import t from 'tap'
import { actTable, errorsText, overview, secondsText } from '../../chaos/report/table.ts'
import type { Act, Result } from '../../chaos/types.ts'
import { madeFault, madeFigures, madeGateway, madePeer } from './made.ts'

function result (outcome: Result['outcome'] = madeFigures(), gateway = madeGateway()): Result {
  return { gateway, outcome, stolen: 0 }
}

function act (...results: Result[]): Act {
  return { fault: madeFault(), results, notes: [] }
}

/** The cells of the rows behind the head of a table. */
function cells (table: string): string[][] {
  return table.split('\n').slice(2).map((line) => line.slice(2, -2).split(' | '))
}

t.test('a play is a row', async (t) => {
  const [row] = cells(actTable(act(result(madeFigures({ errors: 2, kinds: new Map([['502', 2]]), errorsStopMs: 1_234 })))))
  t.strictSame(row, ['round-robin', 'defaults', '1000', '2 (2 × 502)', '300, 200', '2, 40', '7, 4001', '1.2 s', '0.1 s'])
})

t.test('a play without errors has a dash for the last one', async (t) => {
  const [row] = cells(actTable(act(result())))
  t.equal(row?.[3], '0')
  t.equal(row?.[7], '-')
})

t.test('a backend that did not come back in time is told so', async (t) => {
  t.equal(cells(actTable(act(result(madeFigures({ shareBackMs: undefined })))))[0]?.[8], 'not in time')
})

t.test('a latency of which there was none is a dash', async (t) => {
  t.equal(cells(actTable(act(result(madeFigures({ during: undefined })))))[0]?.[5], '2, -')
})

t.test('a play that failed is a row with the reason, which cannot break the table', async (t) => {
  const [, , failed = '', good = ''] = actTable(act(result('failed: a | b\nc'), result())).split('\n')
  const columns = (line: string): number => line.split(/(?<!\\)\|/).length
  t.match(failed, '| round-robin | defaults | failed: a \\| b c |')
  t.equal(columns(failed), columns(good))
})

t.test('the most frequent kind of errors comes first', async (t) => {
  t.equal(errorsText({ errors: 12, kinds: new Map([['cut', 2], ['502', 10]]) }), '12 (10 × 502, 2 × cut)')
})

t.test('times are told in tenths of a second', async (t) => {
  t.equal(secondsText(0), '0.0 s')
  t.equal(secondsText(1_960), '2.0 s')
})

t.test('the overview adds up our policies by settings, and tells others apart', async (t) => {
  const wrong = madeFigures({ errors: 3, kinds: new Map([['502', 3]]) })
  const acts = [
    act(result(wrong), result(wrong, madeGateway({ name: 'random' })), result(madeFigures(), madeGateway({ settings: 'advised' })), result(wrong, madePeer('nginx', '1'))),
    { ...act(result('failed')), fault: madeFault({ title: 'Slow' }) }
  ]
  const table = overview(acts)
  t.match(table.split('\n')[0], '| fault | Fastlancer, defaults | Fastlancer, advised | nginx |')
  t.strictSame(cells(table), [['Killed', '6 of 2000', '0 of 1000', '3 of 1000'], ['Slow', '-', '-', '-']])
})
