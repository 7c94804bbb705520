/** A well-behaved backend on node:https. Unless told otherwise it answers 200 with its name. */
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { resetConnection } from '../../src/client/reset.ts'
import type { SeenRequest } from './http-origin.ts'
import { type Origin, PROBE_AGENT } from './origin.ts'
import { portOf } from './port.ts'

/** A request, and what its connection was opened with. */
export interface SecureRequest extends SeenRequest {
  /** The name that was asked for (SNI); undefined without one. */
  readonly servername: string | undefined
  /** The common name of the gateway's certificate; undefined if it has shown none that could be verified. */
  readonly gateway: string | undefined
}

export class HttpsOrigin implements Origin {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Requests in the order of arrival, probes left out. */
  readonly requests: SecureRequest[] = []
  /** How many probes came. */
  probes = 0
  /** The HTTPS server, for what it can do beyond answering (`upgrade`). */
  readonly server: Server
  readonly #sockets = new Set<Socket>()

  private constructor (name: string, server: Server, answer: RequestListener) {
    this.name = name
    this.server = server
    this.port = portOf(server)
    this.url = `https://127.0.0.1:${this.port}`
    server.on('tlsClientError', () => {})
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (request, response) => {
      if (request.headers['user-agent'] === PROBE_AGENT) {
        this.probes++
        response.end()
        return
      }
      const { method = '', url = '', headers, rawHeaders, socket } = request
      this.requests.push({ method, url, headers, rawHeaders, ...introduction(socket) })
      answer(request, response)
    })
  }

  static async start (name: string, options: ServerOptions, answer?: RequestListener): Promise<HttpsOrigin> {
    const server = createServer({ keepAliveTimeout: 60_000, ...options })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HttpsOrigin(name, server, answer ?? ((_request, response) => { response.end(name) }))
  }

  get connections (): number {
    return this.#sockets.size
  }

  async stop (): Promise<void> {
    if (!this.server.listening) return
    const closed = once(this.server, 'close')
    this.server.close()
    for (const socket of this.#sockets) resetConnection(socket)
    await closed
  }
}

function introduction (socket: Socket): Pick<SecureRequest, 'servername' | 'gateway'> {
  if (!(socket instanceof TLSSocket)) throw new Error('not over TLS')
  const name: unknown = 'servername' in socket ? socket.servername : undefined
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  return { servername: typeof name === 'string' ? name : undefined, gateway: certificate?.subject.slice('CN='.length) }
}
