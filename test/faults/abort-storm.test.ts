/** Ten thousand requests that are broken off at any point leave nothing behind: no attempt, no socket, no memory. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Environment } from '../../src/config/env-schema.ts'
import { call, hasOpenssl, HttpOrigin, makeCa, type RawAnswer, TlsClient, until } from '../helper.ts'
import { storm, type StormOptions } from './storm.ts'
import type { Holdings } from './storm-gateway.ts'

const SEED = 20_261_122
const REQUESTS = 10_000
const CLIENTS = 200

/** Handshakes take their time. */
const TLS_REQUESTS = 2_000
const TLS_CLIENTS = 60
const TLS_STAY_MS = 60

/** The longest that a client stays, in ms. */
const STAY_MS = 12

/** So much of the storm blows before anything is measured. */
const WARM_UP_SHARE = 0.3

/** How much more the heap may hold than after the warm-up, in bytes. */
const HEAP_MARGIN_BYTES = 4 * 1024 * 1024

/** Files that Node may open when it first needs them. */
const SPARE_DESCRIPTORS = 8

/** Until the last has gone; idle upstream connections go after four seconds. */
const LEAVING_BOUND_MS = 60_000
const START_BOUND_MS = 20_000

const TIMEOUT_MS = 300_000

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
    descriptors: Type.Integer(),
    heapBytes: Type.Integer()
  }))
})

/** The gateway in a process of its own, and what it says. */
class StormGateway {
  port = 0
  readonly errors: string[] = []
  readonly #process: ChildProcess
  #holdings: Holdings | undefined

  private constructor (env: Environment) {
    this.#process = fork(new URL('storm-gateway.ts', import.meta.url), { env, execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#process.on('message', (message) => this.#hear(message))
    this.#process.stderr?.on('data', (text: Buffer) => this.errors.push(text.toString()))
    this.#process.on('exit', (code, signal) => this.errors.push(`it ended with ${code ?? signal}`))
  }

  static async start (env: Environment): Promise<StormGateway> {
    const gateway = new StormGateway(env)
    await until('the gateway starts', () => gateway.port > 0 || gateway.errors.length > 0, START_BOUND_MS)
    return gateway
  }

  async holdings (): Promise<Holdings> {
    this.#holdings = undefined
    this.#process.send('tell')
    const holdings = await until('the gateway tells what it holds', () => this.#holdings, LEAVING_BOUND_MS)
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

t.test('requests that are broken off leave nothing behind', async (t) => await weather(t, { requests: REQUESTS, clients: CLIENTS, stayMs: STAY_MS }))

t.test('nor do those over TLS, handshakes among them', { skip: !hasOpenssl() && 'openssl is not installed (apt-get install openssl)' }, async (t) => {
  const root = makeCa(t.testdir(), 'root')
  const { certFile, keyFile } = root.issue({ name: 'gateway', ipAddresses: ['127.0.0.1'], days: 30 })
  await weather(t, { requests: TLS_REQUESTS, clients: TLS_CLIENTS, stayMs: TLS_STAY_MS, ca: root.cert }, { TLS_CERT_FILES: certFile, TLS_KEY_FILES: keyFile })
})

async function weather (t: Test, { requests, ...options }: Pick<StormOptions, 'requests' | 'clients' | 'stayMs' | 'ca'>, env: Environment = {}): Promise<void> {
  const origins = await Promise.all(['a', 'b'].map(async (name) => await startOrigin(name)))
  const gateway = await StormGateway.start({ ...env, BACKENDS: origins.map(({ url }) => url).join() })
  t.teardown(async () => {
    await gateway.stop()
    await Promise.all(origins.map(async (origin) => await origin.stop()))
  })
  const blow = async (seed: number, count: number): Promise<Holdings> => {
    const begun = await storm({ ...options, port: gateway.port, seed, requests: count })
    t.ok(begun >= count, `${begun} requests were begun`)
    return await settled(gateway)
  }
  const before = await blow(SEED, Math.ceil(requests * WARM_UP_SHARE))
  const { heapBytes, descriptors, ...left } = await blow(SEED + 1, requests)
  t.strictSame(left, { inFlight: [0, 0], clients: 0, tunnels: 0, upstream: 0, sockets: 0 })
  t.ok(descriptors < before.descriptors + SPARE_DESCRIPTORS, `${before.descriptors} files are open after the warm-up, ${descriptors} at the end`)
  t.ok(heapBytes - before.heapBytes < HEAP_MARGIN_BYTES, `the heap holds ${before.heapBytes} bytes after the warm-up, ${heapBytes} at the end`)
  t.strictSame(gateway.errors, [], 'it has logged no error, and lives')
  t.ok(origins.every((origin) => origin.requests.length > requests / 10), `${origins.map((origin) => origin.requests.length).join(' and ')} requests came to the backends`)
  // What the gateway has closed, a backend hears of a moment later.
  await until('the backends have no connection of it', () => origins.every(({ connections }) => connections === 0), LEAVING_BOUND_MS).catch(() => {})
  t.strictSame(origins.map(({ connections }) => connections), [0, 0], 'the backends have no connection of it')
  const { ca } = options
  const answer = ca === undefined ? await call(`http://127.0.0.1:${gateway.port}/small`) : await callTls(gateway.port, ca)
  t.match(answer, { status: 200 }, 'an ordinary request is served')
}

async function callTls (port: number, ca: string): Promise<RawAnswer> {
  const client = await TlsClient.connect(port, { ca })
  client.get('/small')
  const answer = await client.answer()
  await client.leave()
  return answer
}

/** What the gateway holds when everybody has gone, or when the time for that is up. */
async function settled (gateway: StormGateway): Promise<Holdings> {
  let last = await gateway.holdings()
  await until('everybody has gone', async () => {
    last = await gateway.holdings()
    const { inFlight, clients, tunnels, sockets } = last
    return inFlight.every((count) => count === 0) && clients + tunnels + sockets === 0
  }, LEAVING_BOUND_MS).catch(() => {})
  return last
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
