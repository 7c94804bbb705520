import t from 'tap'
import { retryAfterMs } from '../../src/upstream/retry-after.ts'

const NOW_MS = Date.UTC(2026, 10, 24, 12, 0, 0)

t.test('seconds are told in ms, from now on', async (t) => {
  for (const [value, ms] of [['0', 0], ['1', 1_000], ['120', 120_000], [' 7 ', 7_000], ['007', 7_000]] as const) t.equal(retryAfterMs(value, NOW_MS), ms, value)
})

t.test('seconds without end are as long as can be, not none', async (t) => {
  for (const value of ['99999999999999999', '9'.repeat(400)]) t.equal(retryAfterMs(value, NOW_MS), Number.MAX_SAFE_INTEGER)
  t.equal(retryAfterMs('9999999999', NOW_MS), 9_999_999_999_000)
})

t.test('a date is the time until it, in each of the three forms of RFC 9110', async (t) => {
  for (const value of ['Tue, 24 Nov 2026 12:01:30 GMT', 'Tuesday, 24-Nov-26 12:01:30 GMT', 'Tue Nov 24 12:01:30 2026']) t.equal(retryAfterMs(value, NOW_MS), 90_000, value)
  t.equal(retryAfterMs('Fri Dec  4 12:00:00 2026', NOW_MS), 10 * 24 * 3_600_000)
})

t.test('a date that has gone by is now', async (t) => {
  for (const value of ['Tue, 24 Nov 2026 11:59:59 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) t.equal(retryAfterMs(value, NOW_MS), 0, value)
})

t.test('what is neither is not understood, however much of a date is in it', async (t) => {
  const values = [
    '', ' ', '-1', '+1', '1.5', '1e3', '0x10', '1, 2', 'soon', 'Tue 5', 'Tuesday', 'Mon Foo 2030', 'Tue, 24 Nov 2026', 'Tue, 24 Nov 2026 12:01:30', 'Tue, 24 Nov 2026 12:01:30 +0200',
    'Tue, 24 Nov 2026 12:01:30 EST', 'Tue, 24 Nov 26 12:01:30 GMT', '24 Nov 2026 12:01:30 GMT', '2026-11-24T12:01:30Z', 'Tue, 24 Nov 2026 25:01:30 GMT', 'Tue, 24 Nov 2026 12:01:30 GMT x'
  ]
  for (const value of values) t.equal(retryAfterMs(value, NOW_MS), undefined, value)
})
