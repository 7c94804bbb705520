/** Whether and when a request is tried again, as the settings have it. */
import t from 'tap'
import type { History, RetryRules } from '../../src/upstream/retries.ts'
import type { FailedAttempt } from '../../src/upstream/retry.ts'
import { RetryBudget } from '../../src/upstream/retry-budget.ts'
import { madeRetries } from './made-retries.ts'

/** A GET that a backend had, over a new connection. */
const SENT: FailedAttempt = { mayRepeat: true, sent: true, onUsedConnection: false, connectionEnded: true, canReplay: true }
const UNSENT: FailedAttempt = { ...SENT, sent: false }
const ON_STALE_CONNECTION: FailedAttempt = { ...SENT, onUsedConnection: true }

/** One attempt, right now. */
const FIRST: History = { isAnyLeft: true, attempts: 1, sinceFirstMs: 0 }

const NOW_MS = Date.UTC(2030, 0, 1)

/** Retries that a budget of this size allows: it counts them over ten seconds. */
function budgetOf (retries: number): RetryBudget {
  return new RetryBudget({ ratio: 0, minPerSecond: retries / 10, attempts: () => 0 })
}

/** How many retries are left in a budget, which is empty then. */
function left (budget: RetryBudget): number {
  let taken = 0
  while (budget.take(NOW_MS)) taken++
  return taken
}

const wallClockMs = (): number => NOW_MS

t.test('another backend\'s answer is preferred to those with the statuses that are named, and to no others', async (t) => {
  const retries = madeRetries({ statuses: [429, 503, 999] })
  t.strictSame([200, 428, 429, 500, 503, 504, 599, 998, 999].filter((status) => retries.isUnwanted(status)), [429, 503, 999])
  t.notOk(madeRetries().isUnwanted(503))
})

/** What follows the first four attempts. */
function upToFour (failed: FailedAttempt, rules: Partial<RetryRules>): string[] {
  return [1, 2, 3, 4].map((attempts) => madeRetries(rules).decide(failed, { isAnyLeft: true, attempts, sinceFirstMs: 0 }))
}

t.test('there are as many attempts as may be; 0 is no bound', async (t) => {
  const next = 'other-backend'
  for (const failed of [SENT, UNSENT]) {
    t.strictSame(upToFour(failed, { maxAttempts: 3 }), [next, next, 'no', 'no'])
    t.strictSame(upToFour(failed, { maxAttempts: 1 }), ['no', 'no', 'no', 'no'])
    t.strictSame(upToFour(failed, { maxAttempts: 0 }), [next, next, next, next])
  }
})

t.test('one that met a connection which was being closed is followed by another one whatever their number, but not behind the time for that', async (t) => {
  for (const failed of [ON_STALE_CONNECTION, { ...ON_STALE_CONNECTION, sent: false }]) {
    t.strictSame(upToFour(failed, { maxAttempts: 1 }), Array.from({ length: 4 }, () => 'same-backend'))
    t.equal(madeRetries({ timeoutMs: 100 }).decide(failed, { ...FIRST, sinceFirstMs: 100 }), 'no')
  }
})

t.test('others begin within the time from the first attempt on; 0 is no bound', async (t) => {
  const decisions = (timeoutMs: number): string[] => [0, 99, 100, 5_000].map((sinceFirstMs) => madeRetries({ timeoutMs }).decide(SENT, { isAnyLeft: true, attempts: 1, sinceFirstMs }))
  t.strictSame(decisions(100), ['other-backend', 'other-backend', 'no', 'no'])
  t.strictSame(decisions(0), ['other-backend', 'other-backend', 'other-backend', 'other-backend'])
})

t.test('one that is to begin later has to begin within that time too', async (t) => {
  const retries = madeRetries({ timeoutMs: 100 })
  t.strictSame([59, 60].map((delayMs) => retries.decide(SENT, { isAnyLeft: true, attempts: 1, sinceFirstMs: 40 }, delayMs)), ['other-backend', 'no'])
})

t.test('what a backend had is paid for with the budget; what never reached one, or met a connection that was being closed, is not', async (t) => {
  for (const [failed, paid] of [[SENT, 1], [UNSENT, 0], [ON_STALE_CONNECTION, 0], [{ ...ON_STALE_CONNECTION, connectionEnded: false }, 1]] as const) {
    const budget = budgetOf(10)
    t.not(madeRetries({}, { budget, wallClockMs }).decide(failed, FIRST), 'no')
    t.equal(10 - left(budget), paid)
  }
})

t.test('nothing is paid for a retry that there is not', async (t) => {
  const budget = budgetOf(10)
  const retries = madeRetries({ maxAttempts: 3, timeoutMs: 100 }, { budget, wallClockMs })
  const decisions = [
    retries.decide({ ...SENT, mayRepeat: false }, FIRST),
    retries.decide({ ...SENT, canReplay: false }, FIRST),
    retries.decide(SENT, { isAnyLeft: true, attempts: 3, sinceFirstMs: 0 }),
    retries.decide(SENT, { isAnyLeft: true, attempts: 1, sinceFirstMs: 100 }),
    retries.decide(SENT, FIRST, 100),
    retries.payForRival({ isAnyLeft: true, attempts: 3, sinceFirstMs: 0 }),
    retries.payForRival({ isAnyLeft: true, attempts: 1, sinceFirstMs: 100 })
  ]
  t.strictSame(decisions, ['no', 'no', 'no', 'no', 'no', false, false])
  t.equal(left(budget), 10)
})

t.test('with nothing left in the budget only what costs no backend anything goes on', async (t) => {
  const retries = madeRetries({}, { budget: budgetOf(0), wallClockMs })
  t.strictSame([SENT, UNSENT, ON_STALE_CONNECTION].map((failed) => retries.decide(failed, FIRST)), ['no', 'other-backend', 'same-backend'])
  t.notOk(retries.payForRival(FIRST))
})

t.test('an attempt beside another one is paid for as well', async (t) => {
  const budget = budgetOf(10)
  t.ok(madeRetries({ maxAttempts: 2, timeoutMs: 1 }, { budget, wallClockMs }).payForRival(FIRST))
  t.equal(left(budget), 9)
})

t.test('the bound of the wait doubles with each retry, up to 32 times the first; the wait is drawn from below it', async (t) => {
  const waits = (random: number): number[] => [1, 2, 3, 4, 5, 6, 7, 50].map((attempts) => madeRetries({ backoffMs: 100 }, { random: () => random }).backoffMs({ isAnyLeft: true, attempts, sinceFirstMs: 0 }))
  t.strictSame(waits(0.5), [50, 100, 200, 400, 800, 1_600, 1_600, 1_600])
  t.strictSame(waits(0), [0, 0, 0, 0, 0, 0, 0, 0])
  t.ok(waits(1 - Number.EPSILON).every((ms, i) => ms < 100 * 2 ** Math.min(i, 5)))
})

t.test('nobody waits for longer than others may begin', async (t) => {
  const retries = madeRetries({ backoffMs: 1_000, timeoutMs: 700 }, { random: () => 0.5 })
  t.strictSame([100, 300, 699, 800].map((sinceFirstMs) => retries.backoffMs({ isAnyLeft: true, attempts: 1, sinceFirstMs })), [500, 400, 1, 0])
})

t.test('without a backoff nothing is waited for, or drawn', async (t) => {
  const random = (): number => { throw new Error('drawn') }
  t.equal(madeRetries({}, { random }).backoffMs(FIRST), 0)
})

t.test('a backend that says Retry-After is waited for as long as it says, up to the limit', async (t) => {
  const waits = (limitMs: number, ...values: Array<string | undefined>): Array<number | undefined> =>
    values.map((value) => madeRetries({ retryAfterMaxMs: limitMs }, { wallClockMs }).waitMs(value))
  t.strictSame(waits(2_000, '0', '1', '2', '3', '86400'), [0, 1_000, 2_000, undefined, undefined])
  t.strictSame(waits(2_000, 'Tue, 01 Jan 2030 00:00:02 GMT', 'Tue, 01 Jan 2030 00:00:03 GMT', 'Mon, 31 Dec 2029 00:00:00 GMT'), [2_000, undefined, 0])
  t.strictSame(waits(2_000, undefined, '', 'soon', '-1', '1.5', '1, 1', 'Tue, 01 Jan 2030'), Array.from({ length: 7 }, () => undefined))
  t.strictSame(waits(0, '0', '1', 'Mon, 31 Dec 2029 00:00:00 GMT'), [undefined, undefined, undefined], 'with a limit of 0 not at all')
})

t.test('an Idempotency-Key lets a request be sent twice, if it is believed', async (t) => {
  const key = ['accept', '*/*', 'Idempotency-Key', '"8e03978e"']
  const answers = (honoursIdempotencyKey: boolean): boolean[] => {
    const retries = madeRetries({ honoursIdempotencyKey })
    return [retries.mayRepeat('POST', key), retries.mayRepeat('PATCH', key), retries.mayRepeat('POST', [])]
  }
  t.strictSame(answers(true), [true, true, false])
  t.strictSame(answers(false), [false, false, false])
})

t.test('what is no one key does not', async (t) => {
  const retries = madeRetries({ honoursIdempotencyKey: true })
  for (const fields of [['idempotency-key', ''], ['idempotency-key', ' '], ['idempotency-key', '1', 'idempotency-key', '2'], ['x-key', 'idempotency-key'], ['idempotency-keys', '1']]) {
    t.notOk(retries.mayRepeat('POST', fields), fields.join(' '))
    t.ok(retries.mayRepeat('PUT', fields))
  }
})
