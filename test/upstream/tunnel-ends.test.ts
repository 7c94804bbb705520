/** How a tunnel ends: whoever of the two sides ends, leaves or breaks first, the other learns of it, and nothing is left over. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { resetConnection } from '../../src/client/reset.ts'
import { type ByteReader, type Gateway, type GatewayOptions, head, type Scenario, scenario, send, until, within } from '../helper.ts'

type Name = 'client' | 'backend'

/** One end of a tunnel. */
interface End {
  readonly socket: Socket
  /** What comes out of the tunnel there. */
  readonly reader: ByteReader
}

interface Ends {
  readonly gateway: Gateway
  readonly first: End
  readonly second: End
  /** The gateway's socket to the second one, if that is the client. */
  readonly gatewaySocket: () => Socket | undefined
}

const UPGRADE = ['connection: Upgrade', 'upgrade: test']

/** Who goes first. */
const ORDERS: readonly Name[] = ['client', 'backend']

/** Less than lingering takes: who waits for it is too late, in ms. */
const AT_ONCE_MS = 1_500

/** More than lingering takes, in ms. */
const SOON_MS = 2_600

/** As much as no buffers hold. */
const TOO_MUCH_BYTES = 40 * 1024 * 1024

async function openTunnel (s: Scenario, first: Name, options: GatewayOptions = {}): Promise<Ends> {
  const { promise, resolve } = Promise.withResolvers<End>()
  const origin = await s.scripted('a', async ({ socket, reader }) => {
    await send(socket, head('101 Switching Protocols', UPGRADE))
    resolve({ socket, reader })
    await new Promise((settle) => { socket.once('close', settle) })
  })
  const gateway = await s.gateway([origin], options)
  let gatewaySocket: Socket | undefined
  gateway.app.server.prependListener('upgrade', (_request, socket: Socket) => { gatewaySocket = socket })
  const client = await s.client(gateway)
  client.get('/', UPGRADE)
  await client.head()
  const backend = await promise
  return { gateway, ...(first === 'client' ? { first: client, second: backend } : { first: backend, second: client }), gatewaySocket: () => gatewaySocket }
}

/** The gateway has closed both sides. What is left then is for the ends to close. */
async function isOver ({ gateway, first, second }: Ends, boundMs: number): Promise<void> {
  await until('nothing in flight', () => gateway.inFlight === 0, boundMs)
  await until('no tunnel', () => gateway.app.tunnels.size === 0, AT_ONCE_MS)
  for (const { socket } of [first, second]) socket.destroy()
}

/** Sends until that fails, as one does that does not care for an end. */
function keepSending (socket: Socket): void {
  const timer = setInterval(() => { if (socket.writable) socket.write('more') }, 20)
  socket.once('close', () => clearInterval(timer))
}

/** All that came, once the end of the other side has come too. */
async function heard ({ reader }: End): Promise<string> {
  return (await within('the end arrives', reader.rest())).toString()
}

for (const name of ORDERS) {
  const other = name === 'client' ? 'backend' : 'client'

  scenario(`the ${name} ends its side first: the ${other} goes on, and ends when it likes`, async (s, t) => {
    const ends = await openTunnel(s, name)
    const { first, second } = ends
    first.socket.end('bye')
    t.equal(await heard(second), 'bye')
    for (const text of ['one ', 'two ', 'three']) await send(second.socket, Buffer.from(text))
    await until('it has arrived', () => first.reader.unread.toString() === 'one two three')
    t.equal(ends.gateway.inFlight, 1)
    second.socket.end('. end')
    t.equal((await within('the rest', first.reader.rest())).toString(), 'one two three. end')
    await isOver(ends, AT_ONCE_MS)
  })

  scenario(`the ${name} ends its side and leaves: the ${other}, which ends its own then, is not waited for`, async (s, t) => {
    const ends = await openTunnel(s, name)
    ends.first.socket.end('bye')
    t.equal(await heard(ends.second), 'bye')
    ends.first.socket.destroy()
    ends.second.socket.end('too late')
    await isOver(ends, AT_ONCE_MS)
  })

  scenario(`the ${name} ends its side and leaves: the ${other}, which sends and sends, is closed soon`, async (s, t) => {
    const ends = await openTunnel(s, name)
    ends.first.socket.end('bye')
    t.equal(await heard(ends.second), 'bye')
    ends.first.socket.destroy()
    keepSending(ends.second.socket)
    await isOver(ends, SOON_MS)
  })

  scenario(`the ${name} leaves with bytes that it has not read: the ${other} is closed`, async (s) => {
    const ends = await openTunnel(s, name)
    ends.first.socket.pause()
    await send(ends.second.socket, randomBytes(1024 * 1024))
    ends.first.socket.destroy()
    await within('it is closed', ends.second.reader.ended)
    await isOver(ends, AT_ONCE_MS)
  })

  scenario(`the ${name} ends its side, and leaves with bytes that it has not read: the ${other}, which ends its own then, is not waited for`, async (s, t) => {
    const ends = await openTunnel(s, name)
    ends.first.socket.pause()
    ends.first.socket.end('bye')
    t.equal(await heard(ends.second), 'bye')
    await send(ends.second.socket, randomBytes(100_000))
    ends.first.socket.destroy()
    ends.second.socket.end('too late')
    await isOver(ends, AT_ONCE_MS)
  })

  scenario(`the ${name} is reset: the ${other} is closed at once, whatever it has not read or sends`, async (s) => {
    for (const isSending of [false, true]) {
      const ends = await openTunnel(s, name)
      if (isSending) keepSending(ends.second.socket)
      await send(ends.first.socket, randomBytes(100_000))
      resetConnection(ends.first.socket)
      await within('it is closed', ends.second.reader.ended)
      await isOver(ends, AT_ONCE_MS)
    }
  })

  scenario(`the ${name} sends much, ends its side and leaves: the ${other} reads all of it later`, async (s, t) => {
    const ends = await openTunnel(s, name)
    const { first, second } = ends
    const bytes = randomBytes(8 * 1024 * 1024)
    second.socket.pause()
    first.socket.end(bytes, () => first.socket.destroy())
    await until('the reader holds it back', () => first.socket.writableLength > 0)
    second.socket.resume()
    t.ok((await within('all of it', second.reader.rest())).equals(bytes))
    second.socket.end()
    await isOver(ends, AT_ONCE_MS)
  })

  scenario(`behind the ${name}'s end its reading still holds the ${other} back, and a reset ends it all`, async (s, t) => {
    const ends = await openTunnel(s, name)
    const { first, second } = ends
    first.socket.pause()
    first.socket.end('bye')
    t.equal(await heard(second), 'bye')
    second.socket.write(Buffer.alloc(TOO_MUCH_BYTES))
    let held = -1
    await until('it is held back', async () => {
      const before = held
      held = second.socket.writableLength
      await wait(100)
      return held === before
    })
    t.ok(second.socket.bytesWritten - held < TOO_MUCH_BYTES / 2, `${held} bytes wait`)
    first.socket.resetAndDestroy()
    // All that waits is taken, and thrown away, so that this comes through.
    second.socket.end()
    await isOver(ends, AT_ONCE_MS)
  })

  scenario(`a tunnel that is half-closed by the ${name} and silent is closed after the idle time`, async (s, t) => {
    const ends = await openTunnel(s, name, { env: { TUNNEL_IDLE_TIMEOUT_MS: '300' } })
    ends.first.socket.end('bye')
    t.equal(await heard(ends.second), 'bye')
    t.equal(ends.gateway.inFlight, 1)
    await isOver(ends, AT_ONCE_MS)
  })
}

scenario('a client that takes its time gets all that the backend sent before it left', async (s, t) => {
  const ends = await openTunnel(s, 'backend')
  const { first, second } = ends
  second.socket.pause()
  const sent: Buffer[] = []
  await until('the gateway holds some of it', async () => {
    sent.push(randomBytes(16 * 1024))
    await send(first.socket, sent.at(-1) ?? Buffer.alloc(0))
    return (ends.gatewaySocket()?.writableLength ?? 0) > 0
  })
  await new Promise<void>((resolve) => { first.socket.end(resolve) })
  first.socket.destroy()
  keepSending(second.socket)
  // Longer than lingering, which would be too short.
  await wait(SOON_MS)
  second.socket.resume()
  t.ok((await within('all of it', second.reader.rest())).equals(Buffer.concat(sent)))
  await isOver(ends, SOON_MS)
})
