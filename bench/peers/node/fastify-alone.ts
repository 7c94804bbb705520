/** A limit: Fastify answering by itself. */
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { readOptions } from './script-options.ts'

const { port, host, protocol, tls } = readOptions()

// Three branches, because the three applications are of three types.
if (protocol === 'http') {
  const app = Fastify()
  app.get('/', greet)
  await app.listen({ host, port })
} else if (protocol === 'https') {
  const app = Fastify({ https: tls })
  app.get('/', greet)
  await app.listen({ host, port })
} else {
  const app = Fastify({ http2: true, https: { ...tls, allowHTTP1: true } })
  app.get('/', (_request, reply) => { reply.type('text/plain').send('hello, world\n') })
  await app.listen({ host, port })
}

function greet (_request: FastifyRequest, reply: FastifyReply): void {
  reply.type('text/plain').send('hello, world\n')
}
