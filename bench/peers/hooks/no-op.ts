/** A user's plugin with hooks that do nothing: what having them costs. */
import type { FastifyInstance } from 'fastify'

export default async function noOp (fastify: FastifyInstance): Promise<void> {
  fastify.addHook('onRequest', (_request, _reply, done) => done())
  fastify.addHook('onSend', (_request, _reply, payload, done) => done(null, payload))
}
