/** The decision whether a failed attempt is made again. */
import { decideRetry, type FailedAttempt } from '../../src/upstream/retry.ts'
import type { Subject } from './harness.ts'

const UNSENT: FailedAttempt = { mayRepeat: false, sent: false, onUsedConnection: false, connectionEnded: true, canReplay: true }
const SENT: FailedAttempt = { mayRepeat: true, sent: true, onUsedConnection: true, connectionEnded: true, canReplay: true }

export const retry: readonly Subject[] = [
  { name: 'decideRetry, nothing sent', run: () => decideRetry(UNSENT) },
  { name: 'decideRetry, sent', run: () => decideRetry(SENT) }
]
