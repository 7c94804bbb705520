/** Ten thousand requests that are broken off at any point leave nothing behind: no attempt, no socket, no memory. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import t from 'tap'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { HttpOrigin, until, within } from '../helper.ts'
import { storm } from './storm.ts'
import type { Holdings } from './storm-gateway.ts'

const SEED = 20_261_122
const REQUESTS = 10_000
const WARM_UP_REQUESTS = 3_000
const CLIENTS = 200

/** How much more the heap may hold than after the warm-up, in bytes. */
const HEAP_MARGIN_BYTES = 4 * 1024 * 1024

/** Until the last has gone; idle upstream connections go after four seconds. */
const LEAVING_BOUND_MS = 12_000
const START_BOUND_MS = 20_000

const TIMEOUT_MS = 90_000

const PART = 'x'.repeat(16 * 1024)

/** Time to an answer of /late, in ms. */
const LATE_MS = 5

const Message = Type.Object({
  port: Type.Optional(Type.Integer()),
  error: Type.Optional(Type.String()),
  holdings: Type.Optional(Type.Object({
    inFlight: Type.Array(Type.Integer()),
    clients: Type.Integer(),
    tunnels: Type.Integer(),
    upstream: Type.Integer(),
    sockets: Type.Integer(),
    heapBytes: Type.Integer()
  }))
})

/** The gateway in a process of its own, and what it says. */
class StormGateway {
  port = 0
  readonly errors: string[] = []
  readonly #process: ChildProcess
  #holdings: Holdings | undefined

  private constructor (backends: readonly string[]) {
    this.#process = fork(new URL('storm-gateway.ts', import.meta.url), [backends.join()], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#process.on('message', (message) => this.#hear(message))
    this.#process.stderr?.on('data', (text: Buffer) => this.errors.push(text.toString()))
    this.#process.on('exit', (code, signal) => this.errors.push(`it ended with ${code ?? signal}`))
  }

  static async start (backends: readonly string[]): Promise<StormGateway> {
    const gateway = new StormGateway(backends)
    await until('the gateway starts', () => gateway.port > 0 || gateway.errors.length > 0, START_BOUND_MS)
    return gateway
  }

  async holdings (): Promise<Holdings> {
    this.#holdings = undefined
    this.#process.send('tell')
    const holdings = await until('the gateway tells what it holds', () => this.#holdings)
    if (holdings === undefined) throw new Error('unreachable')
    return holdings
  }

  async stop (): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }

  #hear (message: unknown): void {
    if (!Value.Check(Message, message)) throw new Error(`not a message of the gateway: ${JSON.stringify(message)}`)
    if (message.port !== undefined) this.port = message.port
    if (message.error !== undefined) this.errors.push(message.error)
    if (message.holdings !== undefined) this.#holdings = message.holdings
  }
}

// More than tap gives a file by itself: a machine may be busy.
t.setTimeout(TIMEOUT_MS)

t.test('requests that are broken off leave nothing behind', async (t) => {
  const origins = await Promise.all(['a', 'b'].map(async (name) => await startOrigin(name)))
  const gateway = await StormGateway.start(origins.map(({ url }) => url))
  t.teardown(async () => {
    await gateway.stop()
    await Promise.all(origins.map(async (origin) => await origin.stop()))
  })
  const blow = async (seed: number, requests: number): Promise<Holdings> => {
    const begun = await storm({ port: gateway.port, seed, requests, clients: CLIENTS })
    t.ok(begun >= requests, `${begun} requests were begun`)
    return await settled(gateway)
  }
  const before = await blow(SEED, WARM_UP_REQUESTS)
  const { heapBytes, ...left } = await blow(SEED + 1, REQUESTS)
  t.strictSame(left, { inFlight: [0, 0], clients: 0, tunnels: 0, upstream: 0, sockets: 0 })
  t.ok(heapBytes - before.heapBytes < HEAP_MARGIN_BYTES, `the heap holds ${before.heapBytes} bytes after the warm-up, ${heapBytes} at the end`)
  t.strictSame(gateway.errors, [], 'it has logged no error, and lives')
  t.ok(origins.every(({ requests }) => requests.length > REQUESTS / 10), `${origins.map(({ requests }) => requests.length).join(' and ')} requests came to the backends`)
  t.strictSame(origins.map(({ connections }) => connections), [0, 0], 'the backends have no connection of it')
  const { status } = await within('an ordinary request is served', fetch(`http://127.0.0.1:${gateway.port}/small`))
  t.equal(status, 200)
})

/** What the gateway holds when everybody has gone, or when the time for that is up. */
async function settled (gateway: StormGateway): Promise<Holdings> {
  await until('everybody has gone', async () => {
    const { inFlight, clients, tunnels, sockets } = await gateway.holdings()
    return inFlight.every((count) => count === 0) && clients + tunnels + sockets === 0
  }, LEAVING_BOUND_MS).catch(() => {})
  return await gateway.holdings()
}

async function startOrigin (name: string): Promise<HttpOrigin> {
  const origin = await HttpOrigin.start(name, answerAnything)
  origin.server.on('upgrade', (_request, socket: Duplex) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  return origin
}

function answerAnything (request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => {})
  request.resume()
  if (request.url === '/stream') return stream(response)
  if (request.url === '/late') setTimeout(() => response.end('late'), LATE_MS)
  else if (request.url === '/upload') request.on('end', () => response.end('got it'))
  else response.setHeader('content-type', 'text/plain').end('small')
}

/** As long as somebody takes it. */
function stream (response: ServerResponse): void {
  const write = (): void => { while (!response.destroyed && response.write(PART)); }
  response.on('drain', write)
  write()
}
