import t from 'tap'
import { failures, ratioOf, resultTable, table } from '../../bench/report/table.ts'
import { madeResult } from './made-result.ts'

/** Cells of the row that begins with `name`. */
function row (text: string, name: string): string[] {
  const line = text.split('\n').find((one) => one.startsWith(`| ${name} |`))
  return line === undefined ? [] : line.split(' | ').map((cell) => cell.replaceAll('|', '').trim())
}

t.test('a table has a head, a rule and as many cells in each row', async (t) => {
  const lines = table(['a', 'b'], [['1', '2'], ['3', '4']]).split('\n')
  t.strictSame(lines, ['| a | b |', '| --- | --- |', '| 1 | 2 |', '| 3 | 4 |'])
})

t.test('a row has the median with its quartiles, and what Fastlancer does against it', async (t) => {
  const text = resultTable(madeResult({ rates: { Fastlancer: [100, 200, 300], nginx: [200, 200, 400] } }))
  t.strictSame(row(text, 'nginx'), ['nginx', '200 (200 to 300)', '0.50 (0.50 to 0.50)', '0.75 (0.63 to 0.88)'])
  t.strictSame(row(text, 'Fastlancer'), ['Fastlancer', '200 (150 to 250)', '0.50 (0.50 to 0.50)', '-'])
})

t.test('a metric that only explains is not compared', async (t) => {
  const text = resultTable(madeResult({ rates: { Fastlancer: [1], nginx: [2] } }))
  t.match(text, 'Fastlancer against it: requests/s')
  t.notMatch(text, 'Fastlancer against it: processor busy')
})

t.test('who did not take part is named with the reason, in a row as wide as the others', async (t) => {
  const text = resultTable(madeResult({ rates: { Fastlancer: [1] }, missing: [{ name: 'Caddy', reason: 'a | b\nc' }] }))
  const [head = '', ...rest] = text.split('\n')
  const last = rest.at(-1) ?? ''
  t.match(last, '| Caddy | a \\| b c |')
  t.equal(last.replaceAll('\\|', '').split('|').length, head.split('|').length)
})

t.test('a round that failed for one of two is left out of their ratio', async (t) => {
  const result = madeResult({ rates: { Fastlancer: [100, undefined, 300], nginx: [200, 100, 300] } })
  t.equal(ratioOf(result, 'nginx', 'rate')?.median, 0.75)
})

t.test('requests that failed are told with the name of the peer', async (t) => {
  t.equal(failures(madeResult({ rates: { Fastlancer: [1, 2] } })), undefined)
  t.equal(failures(madeResult({ rates: { Fastlancer: [1, 2] }, errors: 3 })), 'Requests that failed: Fastlancer 6.')
})
