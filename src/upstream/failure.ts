/** What it means that an attempt failed: which error of ours, and whose fault. */
import type { FastifyError } from '@fastify/error'
import {
  RequestNotForwardableError, UpstreamBadResponseError, UpstreamConnectFailedError, UpstreamConnectTimeoutError,
  UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError, UpstreamResetError
} from '../errors.ts'
import { describeError } from './describe-error.ts'

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

/** undici's word for a body that is not as long as its head said, and for a head with two lengths. */
const LENGTH_MISMATCH = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'

/** Errors of undici for an answer that breaks HTTP, by name or code; the parser's codes begin with HPE_. */
const BAD_RESPONSE: ReadonlySet<string> = new Set(['HTTPParserError', 'AssertionError', 'UND_ERR_HEADERS_OVERFLOW', LENGTH_MISMATCH])

/** How far the attempt had come. */
export interface Progress {
  /** Whether the request had been given to a connected socket. */
  readonly sent: boolean
  /** Whether the head of an answer had come. */
  readonly headCame: boolean
}

/** Turns whatever undici or a deadline said into one of our errors, and says what follows for the backend. */
export function nameFailure (cause: Error, progress: Progress): Failure {
  const { sent } = progress
  const code = codeOf(cause)
  if (REFUSED_BY_UNDICI.has(code)) {
    const error = withCause(new RequestNotForwardableError(cause.message), cause)
    return { error, sent: false, isBackendsFault: false, connectionEnded: false }
  }
  const error = OURS.some((type) => cause instanceof type) && isFastifyError(cause) ? cause : withCause(errorFor(cause, code, progress), cause)
  return { error, sent, isBackendsFault: true, connectionEnded: error instanceof UpstreamResetError }
}

/** What happened, for a log line: the innermost cause says most. */
export function describeCause (error: Error): string {
  return describeError(error.cause instanceof Error ? error.cause : error)
}

function errorFor (cause: Error, code: string, { sent, headCame }: Progress): FastifyError {
  if (!sent) return new UpstreamConnectFailedError()
  // The parser also reports an answer that ends too early; that one is cut, not broken.
  if (cause.message.includes('EOF') || (headCame && code === LENGTH_MISMATCH)) return new UpstreamResetError()
  const isBad = code.startsWith('HPE_') || BAD_RESPONSE.has(code) || BAD_RESPONSE.has(cause.name) || /^bad (response|upgrade)/.test(cause.message)
  return isBad ? new UpstreamBadResponseError() : new UpstreamResetError()
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
