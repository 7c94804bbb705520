/** Clients by the thousand that leave when it suits nobody: what each one does, and where it breaks off, comes from a seed. */
import { type EventEmitter, once } from 'node:events'
import * as http2 from 'node:http2'
import { connect, type Socket } from 'node:net'
import * as tls from 'node:tls'
import { setTimeout as wait } from 'node:timers/promises'
import { resetConnection } from '../../src/client/reset.ts'
import { chunk } from '../helper.ts'
import { type Random, seeded } from '../wire/random-responses.ts'

export interface StormOptions {
  readonly port: number
  readonly seed: number
  /** Requests in all. */
  readonly requests: number
  /** Clients at a time. */
  readonly clients: number
  /** The longest that a client stays, in ms. */
  readonly stayMs: number
  /** The authority that the clients of a gateway with TLS trust. Default: they speak in the clear. */
  readonly ca?: string
}

type Target = Pick<StormOptions, 'port' | 'ca' | 'stayMs'>

/** What a client sends at once, and what it goes on to send. */
interface Plan {
  readonly requests: number
  readonly sent: string
  /** Sent again and again, up to MAX_PARTS times, while the gateway takes it. */
  readonly more?: string
}

/** Clients that say nothing of a request's end are waited for so long, in ms. */
const CLOSE_BOUND_MS = 10_000

const HOST = 'HTTP/1.1\r\nhost: client.test\r\n'
const PART = 'p'.repeat(8 * 1024)
const MAX_PARTS = 24

const PLANS: readonly Plan[] = [
  { requests: 1, sent: `GET /small ${HOST}\r\n` },
  { requests: 1, sent: `GET /stream ${HOST}\r\n` },
  { requests: 1, sent: `GET /stream ${HOST}\r\n` },
  { requests: 1, sent: `GET /late ${HOST}\r\n` },
  { requests: 1, sent: 'GET /stream HTTP/1.0\r\n\r\n' },
  { requests: 1, sent: `PUT /upload ${HOST}content-length: 40\r\n\r\n${'b'.repeat(40)}` },
  { requests: 1, sent: `PUT /upload ${HOST}content-length: 4000000\r\n\r\n`, more: PART },
  { requests: 1, sent: `POST /upload ${HOST}transfer-encoding: chunked\r\n\r\n`, more: chunk(PART) },
  { requests: 1, sent: `POST /upload ${HOST}transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n`, more: chunk(PART) },
  { requests: 3, sent: `GET /small ${HOST}\r\nGET /stream ${HOST}\r\nGET /small ${HOST}\r\n` },
  { requests: 4, sent: `GET /late ${HOST}\r\nPUT /upload ${HOST}content-length: 3\r\n\r\nabcGET /small ${HOST}\r\nGET /late ${HOST}\r\n` },
  { requests: 1, sent: `GET /tunnel ${HOST}connection: upgrade\r\nupgrade: echo\r\n\r\n`, more: PART },
  { requests: 1, sent: `GET /small ${HOST}connection: upgrade\r\nupgrade: echo\r\n\r\n` }
]

/** Of so many clients one speaks HTTP/2. */
const HTTP2_EVERY = 20

const STREAMS = 4

/** Lets it blow; how many requests were begun. */
export async function storm ({ port, ca, stayMs, seed, requests, clients }: StormOptions): Promise<number> {
  const random = seeded(seed)
  const gateway: Target = { port, stayMs, ...(ca !== undefined && { ca }) }
  let begun = 0
  const runClient = async (): Promise<void> => {
    while (begun < requests) {
      if (random() < 1 / HTTP2_EVERY) {
        begun += STREAMS
        await leaveHttp2(gateway, random)
      } else {
        const plan = PLANS[Math.floor(random() * PLANS.length)]
        if (plan === undefined) continue
        begun += plan.requests
        await leave(gateway, plan, random)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, runClient))
  return begun
}

async function leave ({ port, ca, stayMs }: Target, { sent, more }: Plan, random: Random): Promise<void> {
  const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  raw.on('error', () => {})
  await once(raw, 'connect').catch(() => {})
  const socket = ca === undefined ? raw : await shakeHands(raw, ca, random() < 0.1 ? random() * stayMs : undefined)
  if (random() < 0.5) socket.resume()
  // Some break off within the head.
  const end = random() < 0.1 ? Math.floor(random() * sent.length) : sent.length
  socket.write(sent.slice(0, end), 'latin1')
  if (more !== undefined && end === sent.length) flood(socket, more)
  const stay = random()
  if (stay < 0.6) await wait(Math.floor(random() * stayMs))
  else if (stay < 0.9) await new Promise(setImmediate)
  const way = random()
  if (way < 0.45) resetConnection(raw)
  else if (way > 0.9) {
    // It ends its side first, and then it leaves.
    socket.end()
    await wait(Math.floor(random() * stayMs))
  }
  socket.destroy()
  raw.destroy()
  if (!socket.closed) await Promise.race([closeOf(socket), wait(CLOSE_BOUND_MS, undefined, { ref: false })])
}

/** `leaveMs`: leaves in the middle of it, after so long. */
async function shakeHands (raw: Socket, ca: string, leaveMs: number | undefined): Promise<Socket> {
  const socket = tls.connect({ socket: raw, host: '127.0.0.1', ca, ALPNProtocols: ['http/1.1'] })
  socket.on('error', () => {})
  if (leaveMs === undefined) await once(socket, 'secureConnect').catch(() => {})
  else {
    await wait(leaveMs)
    raw.destroy()
  }
  // The event comes out of OpenSSL itself: Node does not survive that a connection is torn down within it.
  await new Promise(setImmediate)
  return socket
}

/** Settles when it is closed, in whatever way. */
async function closeOf (one: EventEmitter): Promise<void> {
  await new Promise<void>((resolve) => { one.once('close', resolve) })
}

/** Some of an upload at once, and some more whenever that has gone. */
function flood (socket: Socket, more: string): void {
  let left = MAX_PARTS
  const write = (): void => { while (left-- > 0 && socket.writable && socket.write(more, 'latin1')); }
  socket.on('drain', write)
  write()
}

async function leaveHttp2 ({ port, ca, stayMs }: Target, random: Random): Promise<void> {
  const session = ca === undefined ? http2.connect(`http://127.0.0.1:${port}`) : http2.connect(`https://127.0.0.1:${port}`, { ca })
  session.on('error', () => {})
  const closed = closeOf(session)
  const streams = Array.from({ length: STREAMS }, (_, i) => {
    const isUpload = i % 2 === 1
    const stream = session.request(isUpload ? { ':method': 'PUT', ':path': '/upload' } : { ':path': i === 0 ? '/stream' : '/late' })
    stream.on('error', () => {})
    stream.resume()
    if (isUpload) stream.write(PART)
    return stream
  })
  await wait(Math.floor(random() * stayMs))
  for (const stream of streams) {
    if (random() < 0.5) stream.close(http2.constants.NGHTTP2_CANCEL)
  }
  if (random() < 0.5) await wait(1)
  session.destroy()
  await Promise.race([closed, wait(CLOSE_BOUND_MS, undefined, { ref: false })])
}
