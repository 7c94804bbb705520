import t from 'tap'
import { parseStatuses } from '../../src/config/status-list.ts'

t.test('statuses and classes, each status once, in rising order', async (t) => {
  t.strictSame(parseStatuses('503, 429 ,503,200'), [200, 429, 503])
  const class5 = Array.from({ length: 100 }, (_, i) => 500 + i)
  t.strictSame(parseStatuses('5xx'), class5)
  t.strictSame(parseStatuses(' 5XX,404,599'), [404, ...class5])
  t.strictSame(parseStatuses('999'), [999])
})

t.test('an empty list has none', async (t) => {
  for (const text of ['', ' ']) t.strictSame(parseStatuses(text), [])
})
