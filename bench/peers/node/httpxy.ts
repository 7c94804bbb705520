/** httpxy, as its documentation has it. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createProxyServer } from 'httpxy'
import { readOptions } from './script-options.ts'

const { port, host, nextOrigin, protocol, tls } = readOptions()

const proxy = createProxyServer({ xfwd: true })

if (protocol === 'h2') {
  createProxyServer({ xfwd: true, target: nextOrigin(), http2: true, ssl: { ...tls, allowHTTP1: true } }).listen(port, host)
} else {
  const answer: RequestListener = (request, response) => {
    proxy.web(request, response, { target: nextOrigin() }).catch(() => response.destroy())
  }
  const server = protocol === 'http' ? createServer(answer) : createTlsServer(tls, answer)
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    proxy.ws(request, socket, { target: nextOrigin() }, head).catch(() => socket.destroy())
  })
  server.listen(port, host, 4_096)
}
