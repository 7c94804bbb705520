/** `fastify.tls`: how TLS is spoken to backends, by exchanges and probes alike. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { parseBackendList } from '../src/config/backend-list.ts'
import { ConfigInvalidError } from '../src/errors.ts'
import { type UpstreamTls, upstreamTls } from '../src/upstream/upstream-tls.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** TLS to backends. */
    readonly tls: UpstreamTls
  }
}

async function upstreamTlsPlugin (fastify: FastifyInstance): Promise<void> {
  const { config, log } = fastify
  const unverified = config.DANGEROUSLY_UNVERIFIED_BACKENDS === '' ? [] : parseBackendList(config.DANGEROUSLY_UNVERIFIED_BACKENDS).origins
  for (const backend of unverified) log.warn({ backend }, 'TLS IS NOT VERIFIED for this backend (DANGEROUSLY_UNVERIFIED_BACKENDS): anybody in between can read and change what goes there')
  try {
    fastify.decorate('tls', upstreamTls({
      unverified,
      ...(config.UPSTREAM_TLS_CA_FILE !== '' && { caFile: config.UPSTREAM_TLS_CA_FILE }),
      ...(config.UPSTREAM_TLS_CERT_FILE !== '' && { certFile: config.UPSTREAM_TLS_CERT_FILE }),
      ...(config.UPSTREAM_TLS_KEY_FILE !== '' && { keyFile: config.UPSTREAM_TLS_KEY_FILE }),
      ...(config.UPSTREAM_TLS_SERVERNAME !== '' && { servername: config.UPSTREAM_TLS_SERVERNAME })
    }))
  } catch (error) {
    throw new ConfigInvalidError(`  - UPSTREAM_TLS_CA_FILE, UPSTREAM_TLS_CERT_FILE, UPSTREAM_TLS_KEY_FILE: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export default fp(upstreamTlsPlugin, { name: 'fastlancer-upstream-tls', fastify: '5.x', dependencies: ['fastlancer-config'] })
