/** `fastify.admin`: status, liveness and readiness on a listener of their own, so that no path of the proxied space is taken. */
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** The admin side, an application of its own; null when ADMIN_PORT is off. */
    readonly admin: FastifyInstance | null
  }
}

async function admin (fastify: FastifyInstance): Promise<void> {
  const { config, pool } = fastify
  if (config.ADMIN_PORT === 'off') {
    fastify.decorate('admin', null)
    return
  }
  const side = Fastify({ logger: false, forceCloseConnections: true })
  let closing = false
  fastify.decorate('admin', side)
  // It stays up while requests in flight finish, and says that no new ones should be sent.
  fastify.addHook('preClose', async () => { closing = true })
  fastify.addHook('onClose', () => side.close())

  side.get('/-/status', async () => ({ pools: [pool.status()] }))
  side.get('/-/live', async () => ({ status: 'live' }))
  side.get('/-/ready', async (_request, reply) => {
    const reason = closing ? 'shutting down' : notReadyReason(fastify)
    if (reason === undefined) return { status: 'ready' }
    return reply.code(503).send({ status: 'not ready', reason })
  })
}

function notReadyReason ({ pool, server }: FastifyInstance): string | undefined {
  if (!server.listening) return 'not listening yet'
  if (!pool.gate.isOpen) return 'the first round of probes is under way'
  return pool.available.length === 0 ? `no backend of pool "${pool.name}" is available` : undefined
}

export default fp(admin, { name: 'fastlancer-admin', fastify: '5.x', dependencies: ['fastlancer-config', 'fastlancer-pool'] })
