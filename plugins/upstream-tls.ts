/** `fastify.tls`: how TLS is spoken to backends, by exchanges and probes alike. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type UpstreamTls, upstreamTls, upstreamTlsOptions } from '../src/upstream/upstream-tls.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** TLS to backends. */
    readonly tls: UpstreamTls
  }
}

async function upstreamTlsPlugin (fastify: FastifyInstance): Promise<void> {
  const { config, log } = fastify
  const made = upstreamTls(upstreamTlsOptions(config))
  for (const backend of made.unverified) log.warn({ backend }, 'TLS IS NOT VERIFIED for this backend (DANGEROUSLY_UNVERIFIED_BACKENDS): anybody in between can read and change what goes there')
  fastify.decorate('tls', made)
}

export default fp(upstreamTlsPlugin, { name: 'fastlancer-upstream-tls', fastify: '5.x', dependencies: ['fastlancer-config'] })
