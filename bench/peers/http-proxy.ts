/** The yardstick: @fastify/http-proxy as it comes, with a round-robin resolver. */
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const backends = (process.argv[2] ?? '').split(',')
const port = Number(process.argv[3])
let next = 0

const app = Fastify()
await app.register(httpProxy, {
  upstream: '',
  replyOptions: { getUpstream: () => backends[next++ % backends.length] ?? '' }
})
await app.listen({ host: '127.0.0.1', port })
