import t from 'tap'
import { configOf, settingsOf, SIMULATED_KEYS } from '../../src/testing/settings.ts'

t.test('what is not said is as it is by default', async (t) => {
  t.match(configOf({ EJECT_FAILURES: 3 }), { EJECT_FAILURES: 3, EJECT_MS: 10_000, HEDGING: 'off', HEALTH_INTERVAL_MS: 10_000 })
})

t.test('a value that is not allowed is refused, with what is', async (t) => {
  t.throws(() => configOf({ EJECT_MAX_RATIO: 2, HEALTH_RISE: 0 }), { message: /EJECT_MAX_RATIO: "2" is not allowed: give a number from 0 to 1[^]*HEALTH_RISE: "0"/ })
})

t.test('settings are read as the environment has them', async (t) => {
  t.strictSame(settingsOf({ EJECT_STATUSES: '5xx', HEDGING: 'on', RETRY_BUDGET_RATIO: '0.5', SLOW_START_MS: '10000' }), {
    SLOW_START_MS: 10_000, EJECT_STATUSES: '5xx', RETRY_BUDGET_RATIO: 0.5, HEDGING: 'on'
  })
  t.strictSame(settingsOf({}), {})
})

t.test('texts that are not allowed are refused, and so are keys that a simulation does not heed', async (t) => {
  t.throws(() => settingsOf({ HEDGING: 'maybe' }), { message: 'HEDGING: "maybe" is not allowed: give on, off' })
  t.throws(() => settingsOf({ SLOW_START_MS: 'soon' }), { message: /SLOW_START_MS: "soon" is not allowed/ })
  t.throws(() => settingsOf({ PORT: '1', POLICY: 'random' }), { message: /^PORT, POLICY: a simulation heeds PRIORITY_MIN_RATIO, / })
})

t.test('each key is named once', async (t) => {
  t.equal(new Set(SIMULATED_KEYS).size, SIMULATED_KEYS.length)
})
