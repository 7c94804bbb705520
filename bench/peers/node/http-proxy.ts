/** The yardstick: @fastify/http-proxy as it comes, with a round-robin resolver. */
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import { readOptions } from './script-options.ts'

const { port, host, nextOrigin, protocol, tls } = readOptions()

const options = { upstream: '', websocket: true, replyOptions: { getUpstream: nextOrigin } }

// Three branches, because the three applications are of three types.
if (protocol === 'http') {
  const app = Fastify()
  await app.register(httpProxy, options)
  await app.listen({ host, port })
} else if (protocol === 'https') {
  const app = Fastify({ https: tls })
  await app.register(httpProxy, options)
  await app.listen({ host, port })
} else {
  const app = Fastify({ http2: true, https: { ...tls, allowHTTP1: true } })
  // Its WebSocket side is for HTTP/1.1 alone.
  await app.register(httpProxy, { ...options, websocket: false })
  await app.listen({ host, port })
}
