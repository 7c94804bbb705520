/** fast-gateway, balancing as its documentation does: the handler of the route sets the base of each request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import gateway from 'fast-gateway'
import { readOptions } from './script-options.ts'

type Forward = (request: IncomingMessage, response: ServerResponse, url: string, options: Record<string, unknown>) => void

const { port, host, nextOrigin, protocol, tls } = readOptions()

const service = gateway({
  ...(protocol === 'https' && { restana: { server: createServer(tls) } }),
  routes: [{
    prefix: '',
    target: nextOrigin(),
    proxyHandler: (request: IncomingMessage, response: ServerResponse, url: string, forward: Forward, options: Record<string, unknown>) => {
      forward(request, response, url, { ...options, base: nextOrigin() })
    }
  }]
})
await service.start(port, host)
