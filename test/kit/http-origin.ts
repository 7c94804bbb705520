/** A well-behaved backend on node:http. Unless told otherwise it answers 200 with its name. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { resetConnection } from '../../src/client/reset.ts'
import { type Origin, PROBE_AGENT } from './origin.ts'
import { portOf } from './port.ts'

/** A request as node:http read it; the body is the handler's business. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
}

export class HttpOrigin implements Origin {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Requests in the order of arrival, probes left out; those that a listener for `upgrade` took are not seen here. */
  readonly requests: SeenRequest[] = []
  /** How many probes came. */
  probes = 0
  /** What probes are answered with. */
  probeStatus = 200
  /** The HTTP server, for what it can do beyond answering (`upgrade`). */
  readonly server: Server

  readonly #sockets = new Set<Socket>()

  private constructor (name: string, server: Server, answer: RequestListener) {
    this.name = name
    this.server = server
    this.port = portOf(server)
    this.url = `http://127.0.0.1:${this.port}`
    server.on('request', (request, response) => {
      if (request.headers['user-agent'] === PROBE_AGENT) return this.#answerProbe(response)
      const { method = '', url = '', headers, rawHeaders } = request
      this.requests.push({ method, url, headers, rawHeaders })
      answer(request, response)
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async start (name: string, answer: RequestListener = answering(name)): Promise<HttpOrigin> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HttpOrigin(name, server, answer)
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

  #answerProbe (response: ServerResponse): void {
    this.probes++
    response.writeHead(this.probeStatus).end()
  }
}

function answering (text: string): RequestListener {
  return (_request, response) => { response.setHeader('content-type', 'text/plain').end(text) }
}
