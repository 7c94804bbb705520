/** What it means that an attempt failed: which error of ours, and whose fault. */
import type { FastifyError } from '@fastify/error'
import {
  TargetNotForwardableError, UpstreamBadResponseError, UpstreamConnectFailedError, UpstreamConnectTimeoutError,
  UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError, UpstreamResetError
} from '../errors.ts'

/** An attempt that is over without a whole answer. */
export interface Failure {
  /** What the client is told if there is no further attempt; `cause` is what happened. */
  readonly error: FastifyError
  /** Whether a byte of the request may have reached the backend. */
  readonly sent: boolean
  /** Whether it counts against the backend. */
  readonly isBackendsFault: boolean
  /** Whether the backend ended the connection, rather than being slow or sending rubbish. */
  readonly connectionEnded: boolean
}

/** Errors of ours pass as they are. */
const OURS = [UpstreamConnectTimeoutError, UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError, UpstreamResetError]

/** Codes of undici for a request that it does not want to send. */
const REFUSED_BY_UNDICI: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED'])

/** Codes of undici for an answer that breaks HTTP; the parser's own begin with HPE_. */
const BAD_RESPONSE: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'])

/** Names the failure. `sent`: whether the request had been given to a connected socket. */
export function nameFailure (cause: Error, sent: boolean, target: string): Failure {
  const code = codeOf(cause)
  if (REFUSED_BY_UNDICI.has(code)) {
    const error = withCause(new TargetNotForwardableError(target), cause)
    return { error, sent: true, isBackendsFault: false, connectionEnded: false }
  }
  const error = OURS.some((type) => cause instanceof type) && isFastifyError(cause) ? cause : withCause(errorFor(cause, code, sent), cause)
  return { error, sent, isBackendsFault: true, connectionEnded: error instanceof UpstreamResetError }
}

/** What happened, in a few words for a log line: the innermost cause says most. */
export function describeCause (error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error
  const code = codeOf(cause)
  const message = cause.message === '' ? cause.name : cause.message
  return code === '' || message.includes(code) ? message : `${code}: ${message}`
}

function errorFor (cause: Error, code: string, sent: boolean): FastifyError {
  if (!sent) return new UpstreamConnectFailedError()
  const isBad = code.startsWith('HPE_') || BAD_RESPONSE.has(code) || /^bad (response|upgrade)/.test(cause.message)
  // An answer that ends too early is reported by the parser as invalid; for us it is a cut one.
  return isBad && code !== 'HPE_INVALID_EOF_STATE' ? new UpstreamBadResponseError() : new UpstreamResetError()
}

function withCause (error: FastifyError, cause: Error): FastifyError {
  error.cause = cause
  return error
}

function codeOf (error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function isFastifyError (error: Error): error is FastifyError {
  return 'statusCode' in error
}
