/**
 * A backend on a real socket of 127.0.0.1 that answers as its script says: for tests of a whole gateway, with plugins and all. Each request
 * takes the next answer of the script; the last one stays for all that follow. Probes are answered apart.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** What it does with a request: answers, closes the connection, or nothing at all. */
export type ScriptedAnswer =
  { readonly status: number, readonly body?: string, readonly headers?: Readonly<Record<string, string>> } | 'reset' | 'hang'

export interface ScriptedBackendOptions {
  /** Default: 200, with its name as the body. */
  readonly script?: readonly ScriptedAnswer[]
  /** The status that probes are answered with; it can be changed later. Default 200. */
  readonly probeStatus?: number
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string
  readonly target: string
  readonly headers: IncomingMessage['headers']
}

/** How the gateway's probes introduce themselves. */
const PROBE_AGENT = 'fastlancer-probe'

/** Backends close a connection that is unused for so long, in ms: longer than a test. */
const KEEP_ALIVE_MS = 60_000

export class ScriptedBackend {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  /** In the order of their arrival, probes left out. */
  readonly requests: SeenRequest[] = []
  /** How many probes came. */
  probes = 0
  probeStatus: number
  /** The answers to the next requests. */
  script: readonly ScriptedAnswer[]
  readonly #server: Server

  private constructor (server: Server, url: string, script: readonly ScriptedAnswer[], probeStatus: number) {
    this.#server = server
    this.url = url
    this.script = script
    this.probeStatus = probeStatus
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response))
  }

  /** Starts one on a free port. */
  static async start (name: string, { script = [{ status: 200, body: name }], probeStatus = 200 }: ScriptedBackendOptions = {}): Promise<ScriptedBackend> {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = address === null || typeof address === 'string' ? 0 : address.port
    return new ScriptedBackend(server, `http://127.0.0.1:${port}`, script, probeStatus)
  }

  /** Closes the port and all connections: from now on it refuses. */
  async stop (): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #answer (request: IncomingMessage, response: ServerResponse): void {
    if (request.headers['user-agent'] === PROBE_AGENT) {
      this.probes++
      response.writeHead(this.probeStatus).end()
      return
    }
    const { method = '', url: target = '', headers } = request
    this.requests.push({ method, target, headers })
    const [answer = 'hang', ...later] = this.script
    if (later.length > 0) this.script = later
    if (answer === 'reset') response.socket?.resetAndDestroy()
    else if (answer !== 'hang') response.writeHead(answer.status, { 'content-type': 'text/plain', ...answer.headers }).end(answer.body ?? '')
  }
}
