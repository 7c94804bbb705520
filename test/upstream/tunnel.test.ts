/** A tunnel, byte for byte: nothing is lost where it opens, and both sides learn how it ends. */
import { randomBytes } from 'node:crypto'
import { resetConnection } from '../../src/client/reset.ts'
import { after, answer, fieldValues, head, never, type RawClient, type Scenario, scenario, type ScriptedOrigin, send, upgradeToEcho, until, type Gateway } from '../helper.ts'

const UPGRADE = ['connection: Upgrade', 'upgrade: echo', 'x-asked: yes']

interface OpenTunnel {
  readonly gateway: Gateway
  readonly origin: ScriptedOrigin
  readonly client: RawClient
}

/** A tunnel through the gateway to a backend that sends everything back. */
async function openTunnel (s: Scenario): Promise<OpenTunnel> {
  const origin = await s.scripted('a', upgradeToEcho())
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/tunnel', UPGRADE)
  await client.head()
  return { gateway, origin, client }
}

scenario('the switch of protocols is relayed with its fields, and bytes flow both ways', async (s, t) => {
  const origin = await s.scripted('a', upgradeToEcho(['Upgrade: echo', 'Connection: Upgrade', 'X-Accept: token', 'Set-Cookie: a=1', 'Set-Cookie: b=2']))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/a%2Fb?c', UPGRADE)
  const switched = await client.head()
  t.equal(switched.startLine, 'HTTP/1.1 101 Switching Protocols')
  t.same(fieldValues(switched, 'upgrade'), ['echo'])
  t.match(fieldValues(switched, 'connection'), [/^upgrade$/i])
  t.same(fieldValues(switched, 'x-accept'), ['token'])
  t.same(fieldValues(switched, 'set-cookie'), ['a=1', 'b=2'])

  const asked = origin.requests[0]?.head
  t.equal(asked?.startLine, 'GET /a%2Fb?c HTTP/1.1')
  t.same(asked && fieldValues(asked, 'upgrade'), ['echo'])
  t.match(asked && fieldValues(asked, 'connection'), [/^upgrade$/i])
  t.same(asked && fieldValues(asked, 'x-asked'), ['yes'])
  t.same(asked && fieldValues(asked, 'x-forwarded-for'), ['127.0.0.1'])

  client.send('\x00ping\xff')
  t.equal((await client.reader.exactly(6)).toString('latin1'), '\x00ping\xff')
  await client.leave()
})

scenario('what the client sends behind its request, before any answer, arrives first', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, upgradeToEcho()))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(`GET / HTTP/1.1\r\nhost: x\r\n${UPGRADE.join('\r\n')}\r\n\r\nwith the head,`)
  await until('the request has arrived', () => origin.requests.length === 1)
  client.send('and after it')
  letAnswer()
  await client.head()
  t.equal(String(await client.reader.exactly(26)), 'with the head,and after it')
  await client.leave()
})

scenario('nothing is lost of what a client sends too early, however much it is', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', after(mayAnswer, upgradeToEcho()))])
  const client = await s.client(gateway)
  const bytes = randomBytes(1024 * 1024)
  client.get('/', UPGRADE)
  client.send(bytes)
  await until('the request is in flight', () => gateway.inFlight === 1)
  letAnswer()
  await client.head()
  t.ok((await client.reader.exactly(bytes.length)).equals(bytes))
  await client.leave()
})

scenario('what the backend sends with its answer arrives first', async (s, t) => {
  const origin = await s.scripted('a', upgradeToEcho(undefined, 'first'))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/', UPGRADE)
  await client.head()
  client.send('second')
  t.equal(String(await client.reader.exactly(11)), 'firstsecond')
  await client.leave()
})

scenario('megabytes go both ways unchanged', async (s, t) => {
  const { client } = await openTunnel(s)
  const bytes = randomBytes(4 * 1024 * 1024)
  client.send(bytes)
  t.ok((await client.reader.exactly(bytes.length)).equals(bytes))
  await client.leave()
})

scenario('a tunnel is in flight until it is closed, and its backend\'s connection is nobody else\'s', async (s, t) => {
  const { gateway, origin, client } = await openTunnel(s)
  t.equal(gateway.backend(origin).inFlight, 1)
  t.equal(gateway.app.tunnels.size, 1)
  origin.script = [answer({ body: 'ordinary' })]
  const other = await s.client(gateway)
  other.get('/')
  t.equal((await other.answer()).body.toString(), 'ordinary')
  t.equal(gateway.backend(origin).inFlight, 1)
  await client.leave()
  await until('nothing in flight', () => gateway.inFlight === 0)
  await until('no tunnel', () => gateway.app.tunnels.size === 0)
})

const CLIENT_ENDS: ReadonlyArray<readonly [how: string, end: (client: RawClient) => unknown]> = [
  ['is closed', (client) => client.leave()],
  ['is reset', (client) => client.reset()]
]

for (const [how, end] of CLIENT_ENDS) {
  scenario(`when the client's side ${how}, the backend's is closed too`, async (s, t) => {
    const { gateway, origin, client } = await openTunnel(s)
    await end(client)
    await until('the backend\'s side is closed', () => origin.connections === 0)
    await until('nothing in flight', () => gateway.inFlight === 0)
    t.match(await gateway.logs.wait('tunnel closed'), [{ status: 101, backend: origin.url, url: '/tunnel' }])
  })
}

for (const ending of ['fin', 'reset']) {
  scenario(`when the backend's side ends (${ending}), the client's does too`, async (s, t) => {
    const { promise: mayEnd, resolve: letEnd } = Promise.withResolvers<void>()
    const origin = await s.scripted('a', async ({ socket }) => {
      await send(socket, head('101 Switching Protocols', UPGRADE.slice(0, 2)))
      await mayEnd
      await send(socket, Buffer.from('bye'))
      if (ending === 'fin') socket.end()
      else resetConnection(socket)
    })
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/', UPGRADE)
    await client.head()
    letEnd()
    await client.ended
    if (ending === 'fin') t.equal(client.reader.unread.toString(), 'bye')
    await client.leave()
    await until('nothing in flight', () => gateway.inFlight === 0)
    t.equal(gateway.app.tunnels.size, 0)
  })
}

scenario('a side that has said all it has to say can still be answered', async (s, t) => {
  const origin = await s.scripted('a', async ({ socket, reader }) => {
    await send(socket, head('101 Switching Protocols', UPGRADE.slice(0, 2)))
    socket.end(`you said: ${String(await reader.rest())}`)
  })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/', UPGRADE)
  await client.head()
  client.socket.end('hello')
  t.equal(String(await client.reader.rest()), 'you said: hello')
  await until('nothing in flight', () => gateway.inFlight === 0)
  t.match(await gateway.logs.wait('tunnel closed'), [{ requestBytes: 5, responseBytes: 15 }])
})

scenario('a reader that does not read holds the writer back', async (s, t) => {
  const origin = await s.scripted('a', async ({ socket }) => {
    socket.pause()
    await send(socket, head('101 Switching Protocols', UPGRADE.slice(0, 2)))
    await new Promise((resolve) => { socket.once('close', resolve) })
  })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/', UPGRADE)
  await client.head()
  for (let i = 0; i < 640; i++) client.send(Buffer.alloc(64 * 1024))
  let held = -1
  await until('the client is held back', async () => {
    const before = held
    held = client.socket.writableLength
    await new Promise((resolve) => { setTimeout(resolve, 100) })
    return held === before
  })
  t.ok(held > 20 * 1024 * 1024, `${held} bytes still wait at the client`)
  client.reset()
  // Nobody reads here or there, so nobody learns of it; but with one side gone the other one goes.
  await origin.stop()
  await until('nothing in flight', () => gateway.inFlight === 0)
})

scenario('an upgrade that the backend does not answer in time: 504', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '60' } })
  const client = await s.client(gateway)
  client.get('/', UPGRADE)
  t.equal((await client.answer()).status, 504)
  t.equal(await client.ended, 'fin')
})

scenario('a tunnel may be silent for longer than an answer may', async (s, t) => {
  const origin = await s.scripted('a', upgradeToEcho())
  const gateway = await s.gateway([origin], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '40', UPSTREAM_IDLE_TIMEOUT_MS: '40' } })
  const client = await s.client(gateway)
  client.get('/', UPGRADE)
  await client.head()
  // Longer than the deadlines, which is what this is about.
  await new Promise((resolve) => { setTimeout(resolve, 150) })
  client.send('still here')
  t.equal(String(await client.reader.exactly(10)), 'still here')
  await client.leave()
})
