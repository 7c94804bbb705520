import { resetConnection } from '../../src/client/reset.ts'
/** Plays a cell of the backends' side: a backend that fails at a point of an exchange, a client that makes it come there, and what the two see. */
import {
  after, answer, type Behaviour, chunk, DeafListener, type Ending, EndOfBytes, type Gateway, type OriginCall, type RawClient, type Scenario, type ScriptedOrigin, send, statusOf, until
} from '../helper.ts'
import type { BackendCell, BackendPoint, Fault, Outcome } from './cells.ts'

/** Timeouts that a stall has to wait for, in ms. */
const SHORT_MS = '250'

const MIB = 1024 * 1024

/** More than can be sent again. */
const LARGE_BYTES = 200 * 1024

/** More than the sockets on the way can hold. */
const BOTTOMLESS_BYTES = 16 * MIB

/** What no part of HTTP begins with. */
const GARBAGE = 'zz\0garbage'

const OK = 'HTTP/1.1 200 OK\r\n'

/** What one request came to, and what the gateway said and counted. */
export interface Told extends Outcome {
  /** Code and cause of each failed attempt. */
  readonly failed: ReadonlyArray<readonly [code: unknown, cause: unknown]>
}

/** A backend that fails, and when it does. */
interface Failing {
  readonly url: string
  /** Settles when it has failed; for a stall, when it has fallen silent. */
  readonly struck: Promise<unknown>
  /** Has it fail: called when the gateway is up, and has heard that it is well. */
  readonly arm: (gateway: Gateway) => unknown
}

/** The points at which a client sends the head of an upload, and the rest later. */
const UPLOADS: ReadonlySet<BackendPoint> = new Set(['expect', 'upload', 'largeUpload'])

/** The points that come behind a first request on the same upstream connection. */
const SECOND: ReadonlySet<BackendPoint> = new Set(['idle', 'stale'])

/** Plays it; with `others` there is another backend, which is well. */
export async function playBackendCell (s: Scenario, cell: BackendCell, kind: 'idempotent' | 'post', others: boolean): Promise<Told> {
  const moment = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const failing = await failingBackend(s, cell, moment.promise, over.promise)
  // What comes behind a first request has to find its connection: there is one backend then.
  const backends = others && !SECOND.has(cell.at) ? [failing, await s.origin('well')] : [failing]
  const gateway = await s.gateway(backends, { env: cell.fault === 'stall' ? timeoutsOf(cell.at) : {} })
  await failing.arm(gateway)
  const client = await s.client(gateway)
  if (SECOND.has(cell.at)) await first(client, gateway, cell, moment.resolve)
  ask(client, cell, kind)
  if (UPLOADS.has(cell.at)) await finishUpload(client, cell, failing.struck)
  else if (cell.at !== 'idle') await whenHeadIsOut(client, cell, moment.resolve)
  const seen = await readOutcome(client)
  over.resolve()
  await until('nothing in flight', () => gateway.inFlight === 0)
  const lines = gateway.logs.of('proxy error')
  const [status] = gateway.app.pool.status().backends
  return {
    client: seen,
    retry: retryOf(lines[0]?.['retry']),
    requests: status?.requests ?? -1,
    failures: status?.failures ?? -1,
    failed: lines.map(({ code, cause }) => [code, cause])
  }
}

async function failingBackend (s: Scenario, { at, fault }: BackendCell, moment: Promise<unknown>, over: Promise<void>): Promise<Failing> {
  if (at === 'connect' && fault === 'stall') return await deafBackend(s)
  const struck = Promise.withResolvers<void>()
  const script = scriptOf(at, fault, moment, (call) => strike(call, fault, struck.resolve, over))
  const origin = await s.scripted('failing', ...script)
  if (fault === 'refused') return { url: origin.url, struck: struck.promise, arm: async () => await origin.stop() }
  const arm = at === 'connect' ? () => failOnAccept(origin, fault) : () => {}
  return { url: origin.url, struck: struck.promise, arm }
}

/** It does not accept, so that its probe fails: the gateway is told that it is well all the same. */
async function deafBackend (s: Scenario): Promise<Failing> {
  const deaf = await DeafListener.start()
  s.atEnd(() => deaf.stop())
  return { url: deaf.url, struck: Promise.resolve(), arm: (gateway) => gateway.declareHealthy(deaf) }
}

function failOnAccept (origin: ScriptedOrigin, fault: Fault): void {
  origin.onConnection = (socket) => {
    // A reset that comes before the gateway has sent anything would be a connection that could not be opened.
    if (fault === 'reset') {
      socket.once('readable', () => resetConnection(socket))
      return
    }
    if (fault === 'end') socket.end()
    else socket.write(GARBAGE, 'latin1')
    socket.resume()
    socket.on('end', () => socket.end())
  }
}

/** What the backend does up to the point; `fail` is what it does there. */
function scriptOf (at: BackendPoint, fault: Fault, moment: Promise<unknown>, fail: Behaviour): Behaviour[] {
  const begun = (bytes: string): Behaviour => async (call) => {
    await send(call.socket, Buffer.from(bytes, 'latin1'))
    await after(moment, fail)(call)
  }
  const reading = (read: (call: OriginCall) => Promise<unknown>): Behaviour => async (call) => {
    await read(call)
    await fail(call)
  }
  const failLater: Behaviour = async (call) => {
    await answer()(call)
    await after(moment, fail)(call)
  }
  const scripts: Readonly<Record<BackendPoint, Behaviour[]>> = {
    connect: [answer()],
    expect: [fail],
    upload: [reading(({ reader }) => reader.upTo('part of it'))],
    largeUpload: [reading(({ reader }) => reader.exactly(LARGE_BYTES / 2))],
    request: [reading(({ request }) => request.body())],
    head: [begun(`${OK}x-half: `)],
    body: [begun(`${OK}transfer-encoding: chunked\r\n\r\n`)],
    length: [begun(`${OK}content-length: 10\r\n\r\n12345`)],
    chunked: [begun(`${OK}transfer-encoding: chunked\r\n\r\n${chunk('12345')}`)],
    close: [begun(`${OK}\r\n12345`)],
    // An idle connection that stalls does what idle connections do.
    idle: [fault === 'stall' ? answer() : failLater, answer()],
    stale: [answer(), fail, answer()]
  }
  return scripts[at]
}

/** `over`: settles when the client has got what it gets. */
async function strike ({ socket, reader }: OriginCall, fault: Fault, struck: () => void, over: Promise<void>): Promise<void> {
  if (fault === 'reset' || fault === 'end') end(socket, fault === 'end' ? 'fin' : 'reset')
  else if (fault === 'garbage') await send(socket, Buffer.from(GARBAGE, 'latin1'))
  else socket.pause()
  struck()
  if (fault === 'end') return
  if (fault === 'stall') await over
  socket.resume()
  await reader.ended
  // Nobody else needs to look at what came.
  socket.destroy()
}

function end (socket: OriginCall['socket'], ending: Ending): void {
  if (ending === 'reset') resetConnection(socket)
  else socket.end()
}

function timeoutsOf (at: BackendPoint): Record<string, string> {
  if (at === 'connect') return { UPSTREAM_CONNECT_TIMEOUT_MS: SHORT_MS, HEALTH_TIMEOUT_MS: SHORT_MS }
  return at === 'idle' ? {} : { UPSTREAM_HEADERS_TIMEOUT_MS: SHORT_MS, UPSTREAM_IDLE_TIMEOUT_MS: SHORT_MS }
}

/** A first request, after which the upstream connection is idle; `idle` has it fail there. */
async function first (client: RawClient, gateway: Gateway, { at, fault }: BackendCell, fail: () => void): Promise<void> {
  client.get('/first')
  await client.answer()
  if (at === 'stale') return
  fail()
  if (fault !== 'stall') await until('the upstream connection is closed', () => gateway.app.engine.connectionCount === 0)
}

function ask (client: RawClient, { at, fault }: BackendCell, kind: 'idempotent' | 'post'): void {
  if (!UPLOADS.has(at)) {
    if (kind === 'idempotent') client.get('/')
    else client.send('POST / HTTP/1.1\r\nhost: client.test\r\ncontent-length: 4\r\n\r\nbody')
    return
  }
  client.send(`${kind === 'idempotent' ? 'PUT' : 'POST'} / HTTP/1.1\r\nhost: client.test\r\n`)
  if (at === 'expect') client.send('expect: 100-continue\r\ncontent-length: 4\r\n\r\n')
  else if (at === 'upload') client.send(`transfer-encoding: chunked\r\n\r\n${chunk('part of it')}`)
  else {
    const length = fault === 'stall' ? BOTTOMLESS_BYTES : LARGE_BYTES
    client.send(`content-length: ${length + 1}\r\n\r\n`)
    client.send(Buffer.alloc(length))
  }
}

/** When the backend has failed, the client goes on: a second backend has to get all of it. */
async function finishUpload (client: RawClient, { at }: BackendCell, struck: Promise<unknown>): Promise<void> {
  await struck
  if (at === 'upload') client.send(`${chunk('the rest')}0\r\n\r\n`)
  else if (at === 'expect') client.send('body')
  else client.send('.')
}

/** From the body on the backend fails when its client has the head; before that, at once. */
async function whenHeadIsOut (client: RawClient, { at }: BackendCell, fail: () => void): Promise<void> {
  if (at !== 'connect' && at !== 'request' && at !== 'head' && at !== 'stale') await until('the head of the answer', () => client.reader.received.includes('\r\n\r\n'))
  fail()
}

async function readOutcome (client: RawClient): Promise<Outcome['client']> {
  const before = client.reader.unread.toString('latin1')
  try {
    for (;;) {
      const { status } = await client.answer()
      if (status >= 200) return clientOutcome(status)
    }
  } catch (error) {
    const status = statusOf({ raw: '', startLine: before.split('\r\n')[0] ?? '', fields: [] })
    if (error instanceof EndOfBytes && status === 200) return '200, cut'
    throw error
  }
}

function clientOutcome (status: number): Outcome['client'] {
  if (status === 200) return '200'
  if (status === 502) return '502'
  if (status === 504) return '504'
  throw new Error(`a status that no cell knows: ${status}`)
}

function retryOf (value: unknown): Outcome['retry'] {
  if (value === undefined || value === 'no' || value === 'other-backend' || value === 'same-backend') return value
  throw new Error(`not a decision: ${JSON.stringify(value)}`)
}
