/** The catch-all route: @fastify/http-proxy owns it, its resolver asks the pool, its handler hands over to the engine. */
import { METHODS } from 'node:http'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, preParsingHookHandler } from 'fastify'
import fp from 'fastify-plugin'
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
  await fastify.register(httpProxy, {
    upstream: '',
    httpMethods: methods,
    // The engine forwards the raw target; what the package would do with it is spared.
    preRewrite: () => '/',
    replyOptions: {
      getUpstream: (request) => {
        const exchange = engine.exchange(request, tunnels.of(request.raw))
        request.exchange = exchange
        return exchange.resolve()
      }
    },
    // Returns nothing: a reply is a thenable, and waiting for it would cost a promise a request.
    handler: (request, reply) => { request.exchange?.start(reply) }
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
  dependencies: ['fastlancer-upstream', 'fastlancer-tunnel']
})
