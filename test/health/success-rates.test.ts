import t from 'tap'
import { standingOut, SUCCESS_RATE_RULES, type Tally } from '../../src/health/success-rates.ts'

/** Backends that had 1000 attempts each. */
const failing = (...failures: readonly number[]): Tally[] => failures.map((count) => ({ attempts: 1_000, failures: count }))

t.test('a backend that fails much more often than the others stands out, with the rate that was asked for', async (t) => {
  const { outliers, threshold } = standingOut(failing(10, 12, 500, 9, 11))
  t.strictSame(outliers, [2])
  // Mean 0.8916, standard deviation 0.1958.
  t.ok(Math.abs(threshold - 0.5196) < 0.0005, `${threshold}`)
})

t.test('where all do as well, or as badly, nobody stands out', async (t) => {
  for (const failures of [0, 1, 10, 333, 990, 1_000]) t.strictSame(standingOut(failing(...Array.from({ length: 7 }, () => failures))).outliers, [], `${failures}`)
})

t.test('one that does better than the others does not stand out', async (t) => {
  t.strictSame(standingOut(failing(500, 500, 500, 500, 0)).outliers, [])
})

t.test('of too few backends nobody is judged; those with too few attempts do not count, and are not judged', async (t) => {
  t.strictSame(standingOut(failing(0, 0, 0, 900)), { outliers: [], threshold: NaN })
  const seldom = { attempts: SUCCESS_RATE_RULES.minAttempts - 1, failures: 99 }
  t.strictSame(standingOut([...failing(0, 0, 0, 900), seldom]), { outliers: [], threshold: NaN })
  t.strictSame(standingOut([seldom, ...failing(0, 0, 0, 0, 900)]).outliers, [5])
  t.strictSame(standingOut([...failing(0, 0, 0, 0), { attempts: SUCCESS_RATE_RULES.minAttempts, failures: 90 }]).outliers, [4])
})

t.test('the bounds are those that are given', async (t) => {
  const rules = { minAttempts: 1, minBackends: 3, deviations: 1, minGap: 0 }
  t.strictSame(standingOut([{ attempts: 1, failures: 0 }, { attempts: 1, failures: 1 }, { attempts: 1, failures: 0 }], rules).outliers, [1])
  t.strictSame(standingOut([{ attempts: 1, failures: 0 }, { attempts: 1, failures: 1 }, { attempts: 1, failures: 0 }], { ...rules, deviations: 1.5 }).outliers, [])
  t.strictSame(standingOut([{ attempts: 1, failures: 0 }, { attempts: 1, failures: 1 }, { attempts: 1, failures: 0 }], { ...rules, minGap: 0.7 }).outliers, [])
})

t.test('where nothing else fails a single failure is no reason', async (t) => {
  const well = Array.from({ length: 9 }, () => ({ attempts: 10_000, failures: 0 }))
  t.strictSame(standingOut([...well, { attempts: 10_000, failures: 1 }]).outliers, [])
  t.strictSame(standingOut([...well, { attempts: 10_000, failures: 600 }]).outliers, [9])
})
