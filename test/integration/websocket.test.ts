/** WebSocket through the gateway, with an ordinary implementation at both ends. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { type Gateway, type HttpOrigin, type Scenario, scenario, until, within } from '../helper.ts'

const MIB = 1024 * 1024

interface EchoOptions {
  readonly perMessageDeflate?: boolean
  /** Sent by the backend as soon as it has accepted. */
  readonly greeting?: string
}

/** A backend that sends every message back. */
async function echo (s: Scenario, name: string, { perMessageDeflate = false, greeting }: EchoOptions = {}): Promise<HttpOrigin> {
  const origin = await s.origin(name)
  const server = new WebSocketServer({ server: origin.server, perMessageDeflate, maxPayload: 64 * MIB })
  server.on('connection', (socket) => {
    if (greeting !== undefined) socket.send(greeting)
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  return origin
}

async function connect (s: Scenario, gateway: Gateway, perMessageDeflate = false): Promise<WebSocket> {
  const socket = new WebSocket(gateway.url.replace('http', 'ws'), ['chat'], { perMessageDeflate, maxPayload: 64 * MIB })
  s.atEnd(() => socket.terminate())
  await within('the WebSocket opens', once(socket, 'open'))
  return socket
}

/** The next message, as bytes. */
function message (socket: WebSocket): Promise<Buffer> {
  return within('a message', new Promise((resolve) => {
    socket.once('message', (data) => resolve(Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)])))
  }))
}

async function close (socket: WebSocket): Promise<void> {
  const closed = once(socket, 'close')
  socket.close(1000, 'done')
  await within('the WebSocket closes', closed)
}

for (const perMessageDeflate of [false, true]) {
  scenario(`messages of all sizes are echoed (permessage-deflate: ${perMessageDeflate})`, async (s, t) => {
    const gateway = await s.gateway([await echo(s, 'a', { perMessageDeflate })])
    const socket = await connect(s, gateway, perMessageDeflate)
    t.equal(socket.protocol, 'chat')
    t.equal(socket.extensions.includes('permessage-deflate'), perMessageDeflate)
    for (const sent of [Buffer.from('hello'), Buffer.alloc(0), randomBytes(126), randomBytes(65_536), Buffer.alloc(MIB, 'abc'), randomBytes(5 * MIB)]) {
      socket.send(sent)
      t.ok((await message(socket)).equals(sent), `${sent.length} bytes`)
    }
    await close(socket)
    await until('nothing in flight', () => gateway.inFlight === 0)
  })
}

scenario('a message that the backend sends at once is not lost', async (s, t) => {
  const gateway = await s.gateway([await echo(s, 'a', { greeting: 'welcome' })])
  for (let i = 0; i < 10; i++) {
    const socket = new WebSocket(gateway.url.replace('http', 'ws'))
    s.atEnd(() => socket.terminate())
    t.equal(String(await message(socket)), 'welcome')
    await close(socket)
  }
})

scenario('pings, pongs and close codes go through', async (s, t) => {
  const origin = await s.origin('a')
  const server = new WebSocketServer({ server: origin.server })
  server.on('connection', (socket) => {
    socket.on('message', () => socket.close(4321, 'as asked'))
  })
  const gateway = await s.gateway([origin])
  const socket = await connect(s, gateway)
  const pong = once(socket, 'pong')
  socket.ping('are you there')
  t.equal(String((await within('a pong', pong))[0]), 'are you there')
  const closed = new Promise<string>((resolve) => { socket.once('close', (code, reason) => resolve(`${code} ${String(reason)}`)) })
  socket.send('close, please')
  t.equal(await within('the WebSocket closes', closed), '4321 as asked')
})

const BACKEND_ENDS: ReadonlyArray<readonly [how: string, code: number, end: (webSocket: WebSocket, socket: Socket) => void]> = [
  ['closes', 1001, (webSocket) => webSocket.close(1001, 'going away')],
  ['closes, without waiting for an answer,', 1001, (webSocket, socket) => {
    webSocket.close(1001, 'going away')
    socket.end()
  }],
  ['leaves', 1006, (webSocket) => webSocket.terminate()]
]

for (const [how, code, end] of BACKEND_ENDS) {
  scenario(`a backend that ${how} first ends its WebSockets at the gateway too`, async (s, t) => {
    const origin = await s.origin('a')
    const server = new WebSocketServer({ server: origin.server })
    const ends: Array<() => void> = []
    server.on('connection', (webSocket, { socket }) => ends.push(() => end(webSocket, socket)))
    const gateway = await s.gateway([origin])
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connect(s, gateway)))
    await until('all are there', () => ends.length === sockets.length)
    const codes = Promise.all(sockets.map((socket) => new Promise<number>((resolve) => { socket.once('close', resolve) })))
    for (const endOne of ends) endOne()
    t.same(await within('all are closed', codes), sockets.map(() => code))
    await until('nothing in flight', () => gateway.inFlight === 0, 1_000)
    t.equal(gateway.app.tunnels.size, 0)
  })
}

scenario('WebSockets are spread over the backends', async (s, t) => {
  const gateway = await s.gateway([await echo(s, 'a', { greeting: 'a' }), await echo(s, 'b', { greeting: 'b' })])
  const greetings: string[] = []
  for (let i = 0; i < 4; i++) {
    const socket = new WebSocket(gateway.url.replace('http', 'ws'))
    s.atEnd(() => socket.terminate())
    greetings.push(String(await message(socket)))
    if (i === 3) t.same(gateway.app.pool.backends.map(({ inFlight }) => inFlight), [2, 2])
  }
  t.equal(greetings.join(''), 'abab')
  for (const client of gateway.app.pool.backends) t.equal(client.inFlight, 2)
  gateway.app.tunnels.destroyAll()
})

scenario('a backend without WebSocket refuses, and the client sees its answer', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')])
  const socket = new WebSocket(gateway.url.replace('http', 'ws'))
  const error = await within('the refusal', once(socket, 'error'))
  t.match(String(error[0]), /Unexpected server response: 200/)
})
