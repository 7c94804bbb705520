/** The catch-all route: @fastify/http-proxy owns it, the upstream resolver asks the pool, the engine forwards. */
import { METHODS } from 'node:http'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyRequest, preParsingHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Exchange } from '../src/upstream/exchange.ts'
import { isMediaType } from '../src/upstream/media-type.ts'

/** Answered by the HTTP server itself: CONNECT never comes to a route. */
const NOT_ROUTED: ReadonlySet<string> = new Set(['CONNECT'])

async function proxy (fastify: FastifyInstance): Promise<void> {
  const { engine, tunnels } = fastify
  const methods = METHODS.filter((method) => !NOT_ROUTED.has(method))
  for (const method of methods) {
    if (!fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method, { hasBody: true })
  }
  fastify.addHook('preParsing', acceptAnyContentType)
  // Else Fastify would read texts as a whole, up to its own limit. The package adds those that leave a body alone.
  fastify.removeAllContentTypeParsers()

  /** The upstream resolver: the next available backend, picked by the pool and noted in the request's exchange. */
  const resolveUpstream = (request: FastifyRequest): Exchange => {
    const exchange = engine.exchange(request, tunnels.of(request.raw))
    request.exchange = exchange
    exchange.resolve()
    return exchange
  }

  await fastify.register(httpProxy, {
    upstream: '',
    httpMethods: methods,
    config: { isProxied: true },
    // Takes over as the last thing before the package's handler, which would parse three URLs for each request (a tenth of
    // the processor's time) to forward in a way without failover. Not calling `done` ends the life cycle's request half here.
    preHandler: (request, reply, done) => {
      try {
        resolveUpstream(request).start(reply)
      } catch (error) {
        request.exchange?.explainTo(reply)
        done(error instanceof Error ? error : new Error(String(error)))
      }
    },
    // The package asks for a resolver where there is no fixed upstream; nothing comes that far.
    replyOptions: { getUpstream: () => '' }
  })
}

/**
 * The type of a body is between client and backend: Fastify must neither ask for one (QUERY) nor refuse one that it cannot
 * read. The engine copies the header as the client sent it, from the raw ones.
 */
const acceptAnyContentType: preParsingHookHandler = (request, _reply, payload, done) => {
  const { headers } = request.raw
  const type = headers['content-type']
  if (type === undefined ? request.method === 'QUERY' : !isMediaType(type)) headers['content-type'] = 'application/octet-stream'
  done(null, payload)
}

export default fp(proxy, {
  name: 'fastlancer-proxy',
  fastify: '5.x',
  encapsulate: true,
  dependencies: ['fastlancer-client', 'fastlancer-upstream', 'fastlancer-tunnel']
})
