/** The rules of retries and ejections, as the configuration has them. */
import type { Config } from '../config/env-schema.ts'
import { parseStatuses } from '../config/status-list.ts'
import type { PassiveRules } from '../health/passive.ts'
import type { RetryRules } from './retries.ts'

export function retryRules (config: Config): RetryRules {
  return {
    statuses: parseStatuses(config.RETRY_STATUSES),
    maxAttempts: config.RETRY_MAX_ATTEMPTS,
    timeoutMs: config.RETRY_TIMEOUT_MS,
    backoffMs: config.RETRY_BACKOFF_MS,
    retryAfterMaxMs: config.RETRY_AFTER_MAX_MS,
    honoursIdempotencyKey: config.RETRY_IDEMPOTENCY_KEY === 'on'
  }
}

export function passiveRules (config: Config): PassiveRules {
  return {
    failuresInRow: config.EJECT_FAILURES,
    statuses: parseStatuses(config.EJECT_STATUSES),
    trialSuccesses: config.TRIAL_SUCCESSES,
    baseMs: config.EJECT_MS,
    maxMs: config.EJECT_MAX_MS,
    maxRatio: config.EJECT_MAX_RATIO,
    comparesRates: config.EJECT_SUCCESS_RATE === 'on'
  }
}
