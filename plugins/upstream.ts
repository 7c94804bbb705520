/** `fastify.engine` and `request.exchange`: the forwarding engine, and what it does for a request. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ClientRequest } from '../src/client/client-side.ts'
import type { Config } from '../src/config/env-schema.ts'
import type { Gauges } from '../src/pool/gauges.ts'
import { retryRules } from '../src/upstream/configured-rules.ts'
import { Engine, type RetryOptions } from '../src/upstream/engine.ts'
import type { ExchangeObserver } from '../src/upstream/engine-parts.ts'
import type { Exchange } from '../src/upstream/exchange.ts'
import { asksForExplanation, Explanation } from '../src/upstream/explanation.ts'
import { requestKey } from '../src/upstream/request-key.ts'
import { Sticky } from '../src/upstream/sticky.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The forwarding engine. */
    readonly engine: Engine
  }
  interface FastifyRequest {
    /** What is done upstream for this request; null as long as it is not proxied. */
    exchange: Exchange | null
  }
}

export interface UpstreamOptions {
  readonly observer: ExchangeObserver
  /** The gateway's, over all threads. */
  readonly gauges: Gauges
  /** The retry budget of another thread; default: one of its own. */
  readonly retryBudget?: SharedArrayBuffer | undefined
}

async function upstream (fastify: FastifyInstance, { observer, gauges, retryBudget }: UpstreamOptions): Promise<void> {
  const { config, pool, tls } = fastify
  const engine = new Engine({
    pool,
    retry: retryOptions(config, retryBudget),
    queue: { maxWaiting: config.QUEUE_MAX, timeoutMs: config.QUEUE_TIMEOUT_MS, gauges },
    requestKey: requestKey(config.HASH_KEY),
    sticky: config.STICKY_COOKIE === '' ? undefined : new Sticky({
      cookie: config.STICKY_COOKIE,
      secret: config.STICKY_SECRET,
      maxAgeSeconds: config.STICKY_MAX_AGE_S,
      backends: pool.backends
    }),
    explains: explains(config),
    timeouts: {
      attemptMs: config.ATTEMPT_TIMEOUT_MS,
      connectMs: config.UPSTREAM_CONNECT_TIMEOUT_MS,
      headersMs: config.UPSTREAM_HEADERS_TIMEOUT_MS,
      idleMs: config.UPSTREAM_IDLE_TIMEOUT_MS,
      clientBodyMs: config.CLIENT_BODY_TIMEOUT_MS,
      clientSendMs: config.CLIENT_SEND_TIMEOUT_MS,
      requestMs: config.REQUEST_TIMEOUT_MS,
      tunnelIdleMs: config.TUNNEL_IDLE_TIMEOUT_MS
    },
    tls,
    limits: { maxBodyBytes: config.MAX_BODY_BYTES, maxTrailers: config.MAX_HEADERS, maxTrailerBytes: config.MAX_HEADER_BYTES, underscores: config.UNDERSCORE_HEADERS },
    observer
  })
  fastify.decorate('engine', engine)
  fastify.decorateRequest('exchange', null)
  // Before any hook of a user: one that fails or takes its time keeps those behind it from running.
  fastify.addHook('onResponse', (request, _reply, done) => {
    request.exchange?.answered()
    done()
  })
  fastify.addHook('onClose', async () => engine.close())
}

/** Who gets an explanation: whoever may ask for one and does, and with LOG_LEVEL=debug the log. */
function explains ({ EXPLAIN, LOG_LEVEL }: Config): ((request: ClientRequest) => Explanation | undefined) | undefined {
  const isLogged = LOG_LEVEL === 'debug' || LOG_LEVEL === 'trace'
  const maybeAsked = EXPLAIN === 'on'
  if (!isLogged && !maybeAsked) return undefined
  return (request) => {
    const isAsked = maybeAsked && asksForExplanation(request)
    return isLogged || isAsked ? new Explanation(isAsked) : undefined
  }
}

function retryOptions (config: Config, budgetMemory: SharedArrayBuffer | undefined): RetryOptions {
  return {
    rules: retryRules(config),
    budgetRatio: config.RETRY_BUDGET_RATIO,
    budgetMinPerSecond: config.RETRY_BUDGET_MIN_PER_S,
    budgetMemory,
    hedges: config.HEDGING === 'on'
  }
}

export default fp(upstream, { name: 'fastlancer-upstream', fastify: '5.x', dependencies: ['fastlancer-client', 'fastlancer-config', 'fastlancer-pool', 'fastlancer-upstream-tls'] })
