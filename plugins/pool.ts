/** `fastify.pool`: the backends, their counters and the policy that picks among them. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { parseBackendList } from '../src/config/backend-list.ts'
import { Pool } from '../src/pool/pool.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The pool that requests are spread over. */
    readonly pool: Pool
  }
}

const POOL_NAME = 'default'

async function pool (fastify: FastifyInstance): Promise<void> {
  const { origins } = parseBackendList(fastify.config.BACKENDS)
  const made = new Pool({ name: POOL_NAME, urls: origins, nowMs: Date.now() })
  fastify.decorate('pool', made)
  for (const backend of made.backends) fastify.log.info({ pool: made.name, backend: backend.url }, 'backend added')
}

export default fp(pool, { name: 'fastlancer-pool', fastify: '5.x', dependencies: ['fastlancer-config'] })
