/** Whether a request whose attempt failed is tried again, and where. */

/** What the decision looks at. */
export interface FailedAttempt {
  /** Whether it does no harm if the request is carried out twice. */
  readonly mayRepeat: boolean
  /** Whether a byte of the request may have reached the backend. */
  readonly sent: boolean
  /** Whether it went over a connection that had carried answers before. */
  readonly onUsedConnection: boolean
  /** Whether the backend had ended the connection (closed or reset), or refused the request unprocessed, rather than been slow or broken. */
  readonly connectionEnded: boolean
  /** Whether the body can be sent again from its first byte. */
  readonly canReplay: boolean
}

/**
 * `other-backend`: the next one. `same-backend`: the connection was an old one that the backend closed as we used it, which
 * says nothing of the backend: once more, on a connection that is not to blame.
 */
export type RetryDecision = 'no' | 'other-backend' | 'same-backend'

/** What follows a failure of one of two attempts that were under way: the other one goes on. */
export type FailureConsequence = RetryDecision | 'other-attempt'

/**
 * Methods whose effect is the same however often they are carried out (RFC 9110, section 9.2.2), and the safe ones of WebDAV
 * and of the QUERY method. "A proxy MUST NOT automatically retry non-idempotent requests" (same section).
 */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'
])

export function isIdempotent (method: string): boolean {
  return IDEMPOTENT.has(method)
}

/** Decides; nothing of an answer has been passed on to the client yet. */
export function decideRetry (attempt: FailedAttempt): RetryDecision {
  if (!attempt.canReplay) return 'no'
  // A stream that the backend refused unprocessed says nothing of it either, if the connection was an old one.
  if (!attempt.sent) return attempt.connectionEnded && attempt.onUsedConnection ? 'same-backend' : 'other-backend'
  if (!attempt.mayRepeat) return 'no'
  return attempt.onUsedConnection && attempt.connectionEnded ? 'same-backend' : 'other-backend'
}
