import t from 'tap'
import { RetryBudget } from '../../src/upstream/retry-budget.ts'

const NOW_MS = Date.UTC(2030, 0, 1)
const SECOND_MS = 1_000

/** Attempts of all threads: requests, and the retries that were allowed. */
interface Sent {
  count: number
}

/** A budget with a count of attempts that the test sets. */
function made ({ ratio = 0.2, minPerSecond = 0 } = {}): { sent: Sent, budget: RetryBudget } {
  const sent = { count: 0 }
  return { sent, budget: new RetryBudget({ ratio, minPerSecond, attempts: () => sent.count }) }
}

/** Makes a retry if there is one left. */
function retry ({ sent, budget }: { readonly sent: Sent, readonly budget: RetryBudget }, nowMs: number): boolean {
  if (!budget.take(nowMs)) return false
  sent.count++
  return true
}

/** How many retries there are until one is refused. */
function retryAll (parts: { readonly sent: Sent, readonly budget: RetryBudget }, nowMs: number): number {
  for (let taken = 0; taken < 100_000; taken++) if (!retry(parts, nowMs)) return taken
  return Infinity
}

t.test('of so many requests the share may be retried, and not one more: retries are no requests', async (t) => {
  const { sent, budget } = made()
  sent.count = 104
  t.equal(retryAll({ sent, budget }, NOW_MS), 20)
  sent.count++
  t.equal(retryAll({ sent, budget }, NOW_MS), 1)
})

t.test('a few a second are allowed in any case, over the ten seconds together', async (t) => {
  const parts = made({ minPerSecond: 3 })
  t.strictSame([0, 9, 10].map((later) => retryAll(parts, NOW_MS + later * SECOND_MS)), [30, 0, 30])
})

t.test('without either there is no retry', async (t) => {
  const { sent, budget } = made({ ratio: 0 })
  sent.count = 1_000
  t.equal(retryAll({ sent, budget }, NOW_MS), 0)
})

t.test('a retry counts for ten seconds', async (t) => {
  const { sent, budget } = made()
  sent.count = 50
  const taken = [999, 1_000, 5_000, 9_999].map((laterMs) => retryAll({ sent, budget }, NOW_MS + laterMs))
  t.strictSame(taken, [10, 0, 0, 0])
  t.ok(budget.take(NOW_MS + 10 * SECOND_MS))
})

t.test('requests count for ten seconds', async (t) => {
  const { sent, budget } = made()
  sent.count = 50
  for (let second = 0; second < 9; second++) budget.note()
  t.ok(budget.take(NOW_MS), 'nine notes later they count')
  budget.note()
  t.notOk(budget.take(NOW_MS + 20 * SECOND_MS), 'ten notes later they do not')
  sent.count += 10
  t.equal(retryAll({ sent, budget }, NOW_MS + 20 * SECOND_MS), 2)
})

t.test('a thread that comes later does not take all that was ever sent for requests of the last seconds', async (t) => {
  const sent = { count: 1_000_000 }
  const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0, attempts: () => sent.count })
  t.equal(retryAll({ sent, budget }, NOW_MS), 0)
  sent.count += 10
  t.equal(retryAll({ sent, budget }, NOW_MS), 2)
})

t.test('threads share one budget', async (t) => {
  const { sent, budget } = made()
  const other = new RetryBudget({ ratio: 0.2, minPerSecond: 0, attempts: () => sent.count, memory: budget.memory })
  sent.count = 50
  t.strictSame([1, 2, 3].map(() => retry({ sent, budget }, NOW_MS)), [true, true, true])
  t.equal(retryAll({ sent, budget: other }, NOW_MS), 7)
  t.notOk(budget.take(NOW_MS))
})

t.test('more retries than the count of a second holds do not begin it anew', async (t) => {
  const { sent, budget } = made({ ratio: 1 })
  sent.count = 200_000
  for (let i = 0; i < 65_600; i++) budget.take(NOW_MS)
  sent.count = 2 * 65_535
  t.notOk(budget.take(NOW_MS))
  t.ok(budget.take(NOW_MS + 10 * SECOND_MS))
})

t.test('what was of use is given back, the last one first, and not more than was taken', async (t) => {
  const { sent, budget } = made()
  sent.count = 50
  t.equal(retryAll({ sent, budget }, NOW_MS), 10)
  budget.giveBack(NOW_MS + 3 * SECOND_MS)
  t.ok(budget.take(NOW_MS + 3 * SECOND_MS))
  t.notOk(budget.take(NOW_MS + 3 * SECOND_MS))
  for (let i = 0; i < 20; i++) budget.giveBack(NOW_MS + 3 * SECOND_MS)
  t.equal(Array.from({ length: 20 }, () => budget.take(NOW_MS + 3 * SECOND_MS)).filter(Boolean).length, 10)
})

t.test('what was taken more than ten seconds ago cannot be given back', async (t) => {
  const { sent, budget } = made()
  sent.count = 5
  t.ok(budget.take(NOW_MS))
  budget.giveBack(NOW_MS + 10 * SECOND_MS)
  t.notOk(budget.take(NOW_MS + 9 * SECOND_MS))
})
