/** What it means that an attempt failed: which error of ours, and whose fault. */
import type { FastifyError } from '@fastify/error'
import {
  AttemptTimeoutError, ClientTimeoutError, RequestTimeoutError, UpstreamBadResponseError, UpstreamConnectFailedError, UpstreamConnectTimeoutError, UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError,
  UpstreamRefusedError, UpstreamResetError
} from '../errors.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { describeError } from './describe-error.ts'

/** An attempt that is over without a whole answer. */
export interface Failure {
  /** What the client is told if there is no further attempt; `cause` is what happened. */
  readonly error: FastifyError
  /** Whether the backend may have acted on the request. */
  readonly sent: boolean
  /** Whether the backend ended the connection or refused to look at the request, rather than being slow, failing at it or sending rubbish. */
  readonly connectionEnded: boolean
}

const OURS = [
  AttemptTimeoutError,
  UpstreamBadResponseError, UpstreamConnectFailedError, UpstreamConnectTimeoutError, UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError,
  UpstreamRefusedError, UpstreamResetError
]

/** As the cause of a reset: it concerned one stream of HTTP/2, and the connection goes on. */
export class StreamReset extends Error {}

/** Turns what a carrier or a deadline said into one of our errors, and says what follows. `sent`: whether the request was on its way. */
export function failureOf (cause: Error, sent: boolean): Failure {
  const error = isOurs(cause) ? cause : causedBy(new UpstreamResetError(), cause)
  return {
    error,
    sent: sent && !(error instanceof UpstreamRefusedError),
    connectionEnded: error instanceof UpstreamRefusedError || (error instanceof UpstreamResetError && !(error.cause instanceof StreamReset))
  }
}

/** Whether an error is one of those that say what became of an attempt. */
export function isOurs (error: Error): error is FastifyError {
  return OURS.some((type) => error instanceof type)
}

/** An answer whose status the client's protocol does not have. */
export function statusFailure ({ statusCode }: ResponseHead): Error {
  return causedBy(new UpstreamBadResponseError(), new Error(`the status ${statusCode} cannot be relayed`))
}

/** A request that took too long as a whole: whose fault it is depends on what was waited for. */
export function requestTimeout (isUploading: boolean, timeoutMs: number): Error {
  return isUploading ? new ClientTimeoutError('send the body of its request', `REQUEST_TIMEOUT_MS: ${timeoutMs} ms`) : new RequestTimeoutError(timeoutMs)
}

/** `error` with what brought it about. */
export function causedBy<E extends Error> (error: E, cause: Error | undefined): E {
  if (cause !== undefined) error.cause = cause
  return error
}

/** How soon a client may try again that was sent away because there was no room, in seconds. */
const RETRY_AFTER_S = 1

/** Tells the client, in the answer that becomes of this error, to come back in a moment (RFC 9110, section 10.2.3): Fastify sends an error's `headers`. */
export function withRetryAfter<E extends Error> (error: E): E {
  return Object.assign(error, { headers: { 'retry-after': String(RETRY_AFTER_S) } })
}

/** What happened, for a log line: the innermost cause says most. */
export function describeCause (error: Error): string {
  return describeError(error.cause instanceof Error ? error.cause : error)
}
