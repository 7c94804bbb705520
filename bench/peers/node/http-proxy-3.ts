/** http-proxy-3, with an agent that keeps connections. */
import { Agent, createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createProxyServer } from 'http-proxy-3'
import { readOptions } from './script-options.ts'

const { port, host, nextOrigin, protocol, tls } = readOptions()

const proxy = createProxyServer({ agent: new Agent({ keepAlive: true }), xfwd: true })
proxy.on('error', (_error, _request, response) => { response.destroy() })
const answer: RequestListener = (request, response) => proxy.web(request, response, { target: nextOrigin() })
const server = protocol === 'http' ? createServer(answer) : createTlsServer(tls, answer)
server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => proxy.ws(request, socket, head, { target: nextOrigin() }))
server.listen(port, host, 4_096)
