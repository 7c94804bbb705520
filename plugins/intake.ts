/** `fastify.intake`: how connections of clients come in (limits, PROXY protocol, TLS, HTTP/2). */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { FastifyInstance } from 'fastify'
import type { FastifyError } from '@fastify/error'
import fp from 'fastify-plugin'
import { ALLOWED_METHODS, errorAnswer, KNOWN_METHODS, type OnRefused } from '../src/client/client-errors.ts'
import { Http2Side } from '../src/client/http2-side.ts'
import { Intake } from '../src/client/intake.ts'
import { parseTrust } from '../src/client/trust.ts'
import { MethodNotAllowedError, MethodUnknownError } from '../src/errors.ts'
import type { Gauges } from '../src/pool/gauges.ts'
import { GAUGE_CONNECTIONS } from '../src/pool/slots.ts'
import { TimeoutQueue } from '../src/timing/timeout-queue.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The connections of clients. */
    readonly intake: Intake
  }
}

export interface IntakeOptions {
  /** Told of connections that are refused. */
  readonly onRefused: OnRefused
  /** What is counted over all threads. */
  readonly gauges: Gauges
}

async function intake (fastify: FastifyInstance, { onRefused, gauges }: IntakeOptions): Promise<void> {
  const { clientTls, config, server } = fastify
  const timeouts = new TimeoutQueue(config.CLIENT_HEADERS_TIMEOUT_MS)
  const made = new Intake(server, {
    trust: parseTrust(config.TRUST_PROXY).trust,
    maxConnections: config.MAX_CONNECTIONS,
    places: {
      acquire: (limit) => gauges.acquire(GAUGE_CONNECTIONS, limit),
      release: () => gauges.release(GAUGE_CONNECTIONS)
    },
    maxTargetBytes: config.MAX_TARGET_BYTES,
    proxyProtocol: config.PROXY_PROTOCOL === 'on',
    timeouts,
    tls: clientTls ?? undefined,
    http2: config.HTTP2 === 'off' ? undefined : new Http2Side({
      maxStreams: config.HTTP2_MAX_STREAMS,
      maxFields: config.MAX_HEADERS,
      maxHeadBytes: config.MAX_HEADER_BYTES + config.MAX_TARGET_BYTES,
      idleTimeoutMs: config.CLIENT_KEEP_ALIVE_TIMEOUT_MS,
      serve: (request, response) => {
        // The way that requests of HTTP/1 take; Fastify knows nothing of other methods, and its hooks would not hear of them.
        if (KNOWN_METHODS.has(request.method)) server.emit('request', request, response)
        else refuseStream(request, response, new MethodUnknownError(), onRefused)
      },
      refuseConnect: (request, response) => refuseStream(request, response, new MethodNotAllowedError('CONNECT'), onRefused)
    }),
    onRefused
  })
  fastify.decorate('intake', made)
  fastify.addHook('preClose', async () => made.close())
  fastify.addHook('onClose', async () => timeouts.close())
}

function refuseStream ({ socket }: Http2ServerRequest, response: Http2ServerResponse, error: FastifyError, onRefused: OnRefused): void {
  onRefused(error, socket)
  const { head, body } = errorAnswer(error)
  if (error instanceof MethodNotAllowedError) response.setHeader('allow', ALLOWED_METHODS)
  response.writeHead(error.statusCode ?? 501, head)
  response.end(body)
}

export default fp(intake, { name: 'fastlancer-intake', fastify: '5.x', dependencies: ['fastlancer-client', 'fastlancer-client-tls', 'fastlancer-config'] })
