/** Decisions on retries for tests: as the defaults of the configuration have them, with a budget that allows any, unless rules are given. */
import { Retries, type RetriesOptions, type RetryRules } from '../../src/upstream/retries.ts'
import { RetryBudget } from '../../src/upstream/retry-budget.ts'

const RULES: RetryRules = { statuses: [], maxAttempts: 0, timeoutMs: 0, backoffMs: 0, retryAfterMaxMs: 2_000, honoursIdempotencyKey: false }

export function madeRetries (rules: Partial<RetryRules> = {}, options: Partial<RetriesOptions> = {}): Retries {
  return new Retries({
    rules: { ...RULES, ...rules },
    budget: new RetryBudget({ ratio: 1, minPerSecond: 1_000, attempts: () => 0 }),
    random: Math.random,
    wallClockMs: Date.now,
    ...options
  })
}
