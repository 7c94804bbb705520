/** How connections come in, without the rest of the gateway. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Intake, type IntakeOptions } from '../../src/client/intake.ts'
import { Trust } from '../../src/client/trust.ts'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { portOf } from '../kit/port.ts'
import { RawClient } from '../kit/raw-client.ts'
import { until } from '../kit/until.ts'

interface Arranged {
  readonly server: Server
  readonly intake: Intake
  /** Codes of what was refused, with the address. */
  readonly refused: string[]
  readonly connect: () => Promise<RawClient>
}

async function arrange (t: Test, options: Partial<IntakeOptions> = {}, timeoutMs = 60_000): Promise<Arranged> {
  const server = createServer((request, response) => { response.end(request.url) })
  const timeouts = new TimeoutQueue(timeoutMs)
  const refused: string[] = []
  const intake = new Intake(server, {
    trust: new Trust(),
    maxConnections: 0,
    places: { acquire: () => true, release: () => {} },
    maxTargetBytes: 1_000,
    proxyProtocol: false,
    timeouts,
    tls: undefined,
    http2: undefined,
    onRefused: (error, { remoteAddress }) => { refused.push(`${error.code} ${remoteAddress}`) },
    ...options
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    timeouts.close()
    server.close()
    server.closeAllConnections()
    intake.destroyAll()
  })
  return {
    server,
    intake,
    refused,
    connect: async () => {
      const client = await RawClient.connect(portOf(server))
      t.teardown(() => client.leave())
      return client
    }
  }
}

t.test('a good first line goes on to the HTTP server, with everything behind it', async (t) => {
  const { intake, connect, refused } = await arrange(t)
  const client = await connect()
  client.send('GET /one HTTP/1.1\r\nhost: a\r\n\r\nGET /two HTTP/1.1\r\nhost: a\r\n\r\n')
  t.equal(String((await client.answer()).body), '/one')
  t.equal(String((await client.answer()).body), '/two')
  t.equal(intake.size, 1)
  await client.leave()
  await until('it is not counted any more', () => intake.size === 0)
  t.same(refused, [])
})

t.test('a bad first line is refused with its status, and told', async (t) => {
  const { connect, refused } = await arrange(t)
  for (const [line, status] of [['rubbish\r\n', 400], ['BREW / HTTP/1.1\r\n', 501], ['GET / HTTP/3.0\r\n', 505], [`GET /${'x'.repeat(2_000)}`, 414]] as const) {
    const client = await connect()
    client.send(line)
    t.equal((await client.answer()).status, status)
    t.equal(await client.ended, 'fin')
  }
  t.same(refused.map((one) => one.split(' ')[0]), ['FL_REQUEST_MALFORMED', 'FL_METHOD_UNKNOWN', 'FL_VERSION_UNSUPPORTED', 'FL_TARGET_TOO_LONG'])
  t.same(new Set(refused.map((one) => one.split(' ')[1])), new Set(['127.0.0.1']))
})

t.test('a client that is too slow with its first line gets a 408', async (t) => {
  const { connect, refused } = await arrange(t, {}, 40)
  const client = await connect()
  client.send('GET / HT')
  t.equal((await client.answer()).status, 408)
  t.equal(await client.ended, 'fin')
  t.same(refused, ['FL_CLIENT_TIMEOUT 127.0.0.1'])
})

for (const method of ['close', 'destroyAll'] as const) {
  t.test(`${method}() ends connections that have not said what they want, and no others`, async (t) => {
    const { intake, connect } = await arrange(t)
    const [silent, half, served] = [await connect(), await connect(), await connect()]
    half.send('GET /')
    served.send('GET /served HTTP/1.1\r\nhost: a\r\n\r\n')
    await served.answer()
    intake[method]()
    await Promise.all([silent.ended, half.ended])
    await until('one is left', () => intake.size === 1)
    t.equal(served.reader.ending, undefined)
  })
}

t.test('a connection of which nobody knows any more whose it was is closed, and not counted', async (t) => {
  const { server, intake, refused } = await arrange(t, { maxConnections: 1 })
  const nobody = new Socket()
  server.emit('connection', nobody)
  t.ok(nobody.destroyed)
  t.equal(intake.size, 0)
  t.same(refused, [])
})

t.test('a connection names both of its ends even when it is gone', async (t) => {
  const { server, connect } = await arrange(t)
  const request = new Promise<IncomingMessage>((resolve) => { server.once('request', resolve) })
  const client = await connect()
  const { localPort: remotePort, remotePort: localPort } = client.socket
  client.get('/')
  const { socket } = await request
  await client.leave()
  await until('it is gone', () => socket.destroyed)
  t.match(socket, { remoteAddress: '127.0.0.1', remotePort: Number(remotePort), localAddress: '127.0.0.1', localPort: Number(localPort) })
})

t.test('a client that leaves before it said anything leaves nothing behind', async (t) => {
  const { intake, connect, refused } = await arrange(t, {}, 100)
  const clients = await Promise.all(Array.from({ length: 20 }, connect))
  await until('all have come', () => intake.size === 20)
  for (const [index, client] of clients.entries()) {
    if (index % 2 === 0) client.reset()
    else client.socket.end()
  }
  await until('all are gone', () => intake.size === 0)
  t.same(refused, [], 'that is nobody\'s fault')
})
