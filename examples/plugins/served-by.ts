/**
 * An example of an extension, an ordinary Fastify plugin: it names the backend that answered in a header of every proxied
 * answer, and adds a route of its own, which goes before the proxied space. To see it:
 *
 *   PLUGINS_DIR=examples/plugins npm start
 *   curl -i http://localhost:8080/
 *   curl http://localhost:8080/served-by
 *
 * No fastify-plugin around it: what PLUGINS_DIR holds is loaded without encapsulation.
 */
import type { FastifyInstance } from 'fastify'
// Brings the types of what the gateway decorates. In a project of your own: from 'fastlancer'.
import type { BackendStatus } from '../../src/index.ts'

type Served = Pick<BackendStatus, 'url' | 'requests'>

export default async function servedBy (fastify: FastifyInstance): Promise<void> {
  fastify.addHook('onSend', async (request, reply) => {
    const backend = request.exchange?.backend
    if (backend !== undefined) reply.header('x-served-by', backend.url)
  })

  fastify.get('/served-by', async (): Promise<Served[]> => {
    return fastify.pool.backends.map((backend) => backend.status()).map(({ url, requests }) => ({ url, requests }))
  })
}
