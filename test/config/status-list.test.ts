import t from 'tap'
import { parseStatuses, STATUSES_OR_NONE_PATTERN, STATUSES_PATTERN } from '../../src/config/status-list.ts'

/** Whether the pattern takes a text, as a JSON Schema would. */
const allows = (pattern: string, text: string): boolean => new RegExp(pattern, 'u').test(text)

t.test('statuses and classes, with or without blanks around them, make a list', async (t) => {
  for (const text of ['200', '200,204', ' 200 , 204 ', '2xx', '2XX', '2xx,304', '5xx,429', '999', '599']) {
    for (const pattern of [STATUSES_PATTERN, STATUSES_OR_NONE_PATTERN]) t.ok(allows(pattern, text), text)
  }
})

t.test('anything else does not: no status of a provisional answer, no number that is none, no member left out', async (t) => {
  for (const text of ['100', '101', '1xx', '099', '20', '2000', '2x', 'x', 'xx', '6xx', '0xx', '20x', '200-204', '200 204', '200;204', ',', '200,', ',200', '200,,204', '2xx ok', '-200', '200\n']) {
    for (const pattern of [STATUSES_PATTERN, STATUSES_OR_NONE_PATTERN]) t.notOk(allows(pattern, text), JSON.stringify(text))
  }
})

t.test('a list may be empty only where there may be none', async (t) => {
  for (const text of ['', ' ']) t.strictSame([allows(STATUSES_PATTERN, text), allows(STATUSES_OR_NONE_PATTERN, text)], [false, true])
})

t.test('a list has each of its statuses once, in rising order', async (t) => {
  t.strictSame(parseStatuses('204, 200,204'), [200, 204])
  t.strictSame(parseStatuses('999'), [999])
  t.strictSame(parseStatuses(''), [])
})

t.test('a class is its hundred statuses', async (t) => {
  const hundred = (first: number): number[] => Array.from({ length: 100 }, (_, index) => first + index)
  t.strictSame(parseStatuses('2xx'), hundred(200))
  t.strictSame(parseStatuses('5XX, 404,500'), [404, ...hundred(500)])
})
