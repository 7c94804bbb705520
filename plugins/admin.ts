/** `fastify.admin`: status, liveness, readiness and draining on a listener of their own, so that no path of the proxied space is taken. */
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { AdminCrossSiteError } from '../src/errors.ts'
import type { Pool } from '../src/pool/pool.ts'
import { foreignNameReason, isLoopback } from '../src/wire/cross-site.ts'
import adminDrain from './admin-drain.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The admin side, an application of its own; null when ADMIN_PORT is off, and in a worker: there is one for all of them. */
    readonly admin: FastifyInstance | null
  }
}

/** What `GET /-/status` says of a worker. */
export interface WorkerStatus {
  /** Its number, from 1 on. */
  readonly worker: number
  /** starting: it loads; listening: it serves; failed: it ended, or did not load, and is started anew in a moment; stopping: it finishes its requests; stopped. */
  readonly state: 'starting' | 'listening' | 'failed' | 'stopping' | 'stopped'
  /** How often it was started anew. */
  readonly restarts: number
  /** When it came into this state, ISO 8601. */
  readonly since: string
}

/** The threads of a supervisor. */
export interface Workers {
  status (): readonly WorkerStatus[]
  /** Why requests cannot be served; undefined if they can. */
  notReadyReason (): string | undefined
}

export interface AdminOptions {
  /** A supervisor's workers; default: the application serves requests itself. */
  readonly workers?: Workers
  /** Left out in workers. Default: it is there. */
  readonly isThere?: boolean
}

async function admin (fastify: FastifyInstance, { workers, isThere = true }: AdminOptions): Promise<void> {
  const { config, health, pool } = fastify
  if (config.ADMIN_PORT === 'off' || !isThere) {
    fastify.decorate('admin', null)
    return
  }
  const side = Fastify({ logger: false, forceCloseConnections: true })
  let closing = false
  fastify.decorate('admin', side)
  // It stays up while requests in flight finish, and says that no new ones should be sent.
  fastify.addHook('preClose', async () => { closing = true })
  fastify.addHook('onClose', () => side.close())

  // What listens on other addresses is asked by names that are not known here.
  const reading = isLoopback(config.ADMIN_HOST) ? { onRequest: refuseForeignNames } : {}
  side.get('/-/status', reading, async () => ({ pools: [pool.status()], ...(workers !== undefined && { workers: workers.status() }) }))
  side.get('/-/timeline', reading, async () => ({
    pools: [{
      name: pool.name,
      backends: pool.backends.map(({ url }) => ({ url, events: health.timeline.of(url).map(({ atMs, event, reason }) => ({ at: new Date(atMs).toISOString(), event, reason })) }))
    }]
  }))
  side.get('/-/live', async () => ({ status: 'live' }))
  side.get('/-/ready', async (_request, reply) => {
    const reason = closing ? 'shutting down' : listenerReason() ?? overloadReason() ?? poolReason(pool)
    if (reason === undefined) return { status: 'ready' }
    return reply.code(503).send({ status: 'not ready', reason })
  })
  side.register(adminDrain, { pool })

  function listenerReason (): string | undefined {
    if (workers !== undefined) return workers.notReadyReason()
    return fastify.server.listening ? undefined : 'not listening yet'
  }

  function overloadReason (): string | undefined {
    const { reason } = fastify.overload
    return reason === undefined ? undefined : `overloaded: ${reason}`
  }
}

/** Who listens on this machine alone answers no page that has let its own name point here. */
async function refuseForeignNames ({ headers }: FastifyRequest): Promise<void> {
  const reason = foreignNameReason(headers.host)
  if (reason !== undefined) throw new AdminCrossSiteError(reason)
}

function poolReason (pool: Pool): string | undefined {
  if (!pool.gate.isOpen) return 'the first round of probes is under way'
  return pool.available.length === 0 ? `no backend of pool "${pool.name}" is available` : undefined
}

export default fp(admin, { name: 'fastlancer-admin', fastify: '5.x', dependencies: ['fastlancer-config', 'fastlancer-health', 'fastlancer-overload', 'fastlancer-pool'] })
