/**
 * What is logged of requests, in place of Fastify's own lines: one access line for each, and each failed attempt. Fastify
 * tells when an answer was sent; the engine tells of the ends that Fastify does not see.
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import fp from 'fastify-plugin'
import { isAnswered } from '../src/client/client-response.ts'
import { OverloadedError } from '../src/errors.ts'
import { accessRecord } from '../src/observe/access-record.ts'
import type { ExchangeObserver, UnseenEnd } from '../src/upstream/engine-parts.ts'
import type { Backend } from '../src/pool/backend.ts'
import type { Attempts } from '../src/upstream/attempts.ts'
import type { Exchange } from '../src/upstream/exchange.ts'
import { describeCause, type Failure } from '../src/upstream/failure.ts'
import type { FailureConsequence } from '../src/upstream/retry.ts'

export class RequestLog extends LogController implements ExchangeObserver {
  /** Whether there is a line a request. */
  accessLog = true

  override incomingRequest (): void {}

  override requestCompleted (_error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const { exchange, raw } = request
    if (exchange?.explanation !== undefined) request.log.debug({ picks: exchange.explanation.picks, attempts: exchange.explanation.attempts }, 'choice of backend')
    if (!this.accessLog) return
    // In HTTP/2 Fastify takes the end of a stream that was reset for that of an answer; the engine tells what it was.
    if (exchange !== null && (exchange.endedUnseen || !isAnswered(reply.raw))) return
    const { method = '' } = raw
    const client = exchange?.client ?? request.peer?.address
    request.log.info(accessRecord({ method, url: request.originalUrl, status: reply.statusCode, client, ms: reply.elapsedTime, work: exchange }), 'request')
  }

  override defaultErrorLog (error: Error, request: FastifyRequest, reply: FastifyReply): void {
    // That requests are refused is told once, not with each of them.
    if (error instanceof OverloadedError) return
    // Errors of ours say what to change; where in the code they came up helps nobody.
    if (isOurs(error)) request.log.warn({ code: error.code, status: reply.statusCode }, error.message)
    else super.defaultErrorLog(error, request, reply)
  }

  /** A stream that ended early is reported by the engine, with its backend. */
  override streamError (error: Error, request: FastifyRequest, reply: FastifyReply): void {
    if (request.exchange === null) super.streamError(error, request, reply)
  }

  attemptFailed ({ request, backend, attempts }: Attempts, { error }: Failure, decision: FailureConsequence): void {
    const details = { backend: backend?.url, attempt: attempts, code: error.code, cause: describeCause(error), retry: decision }
    request.log.warn(details, 'proxy error')
  }

  answerRefused ({ request, backend, attempts }: Attempts, status: number, waitMs: number | undefined): void {
    const retry = waitMs === undefined ? { retry: 'other-backend' } : { retry: 'same-backend', waitMs }
    request.log.warn({ backend: backend?.url, attempt: attempts, status, ...retry }, 'answer refused')
  }

  hedged ({ request, attempts }: Attempts, backend: Backend): void {
    request.log.info({ backend: backend.url, attempt: attempts }, 'sent to a second backend')
  }

  clientFailed ({ request, client }: Exchange, error: Error): void {
    request.log.warn({ client, code: 'code' in error ? error.code : undefined }, error.message)
  }

  endedUnseen (exchange: Exchange, end: UnseenEnd, status: number): void {
    if (!this.accessLog) return
    const { request, client, elapsedMs: ms } = exchange
    const { method = '' } = request.raw
    request.log.info(accessRecord({ method, url: request.originalUrl, status, client, ms, work: exchange }), end)
  }
}

export interface RequestLogOptions {
  /** The log that the application was made with. */
  readonly requestLog: RequestLog
}

async function requestLog (fastify: FastifyInstance, options: RequestLogOptions): Promise<void> {
  options.requestLog.accessLog = fastify.config.ACCESS_LOG === 'on'
}

export default fp(requestLog, { name: 'fastlancer-request-log', fastify: '5.x', dependencies: ['fastlancer-config'] })

function isOurs (error: Error): error is Error & { code: string } {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('FL_')
}
