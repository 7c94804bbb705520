/** A client that leaves ends the upstream work at once, wherever that stands. */
import { answer, answerInParts, type Behaviour, call, chunk, head, never, type RawClient, scenario, send, upgradeToEcho, until } from '../helper.ts'

/** The ways to leave. */
const WAYS: ReadonlyArray<readonly [way: string, leave: (client: RawClient) => unknown]> = [
  ['closes', (client) => client.leave()],
  ['resets', (client) => client.reset()]
]

for (const [way, leave] of WAYS) {
  scenario(`a client that ${way} the connection before the answer ends the attempt`, async (s, t) => {
    const origin = await s.scripted('a', never)
    const gateway = await s.gateway([origin, await s.origin('b')])
    const client = await s.client(gateway)
    client.get('/gone')
    await until('the request has arrived', () => origin.requests.length === 1)
    t.equal(gateway.backend(origin).inFlight, 1)
    await leave(client)
    await until('the attempt is over', () => gateway.inFlight === 0)
    await until('its connection is closed', () => origin.connections === 0)
    t.match(gateway.logs.of('client gone'), [{ url: '/gone', status: 499, backend: origin.url, attempts: 1, upstreamMs: null }])
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }, { requests: 0 }])
  })

  scenario(`a client that ${way} the connection within the answer ends the attempt`, async (s, t) => {
    const origin = await s.scripted('a', answerInParts(endless()))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/')
    await client.reader.upTo('more and more')
    t.equal(gateway.backend(origin).inFlight, 1)
    await leave(client)
    await until('the attempt is over', () => gateway.inFlight === 0)
    await until('its connection is closed', () => origin.connections === 0)
    t.match(gateway.logs.of('client gone'), [{ status: 200, backend: origin.url }])
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }])
  })

  scenario(`a client that ${way} the connection within an answer that has fallen silent ends the attempt`, async (s, t) => {
    const origin = await s.scripted('a', silentAfter('first'))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/')
    await client.reader.upTo('first')
    await leave(client)
    await until('the attempt is over', () => gateway.inFlight === 0)
    await until('its connection is closed', () => origin.connections === 0)
    t.match(gateway.logs.of('client gone'), [{ status: 200, backend: origin.url }])
  })

  scenario(`a client that ${way} the connection within its upload ends the attempt`, async (s, t) => {
    const origin = await s.scripted('a', async ({ request }) => { await request.body() })
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(1_000)}`)
    await until('the request has arrived', () => origin.requests.length === 1)
    await leave(client)
    await until('the attempt is over', () => gateway.inFlight === 0)
    await until('its connection is closed', () => origin.connections === 0)
    t.match(gateway.logs.of('client gone'), [{ status: 499, backend: origin.url }])
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }])
  })
}

scenario('a client that leaves before its small body is there causes no attempt', async (s, t) => {
  const origin = await s.scripted('a')
  let arrived = 0
  const gateway = await s.gateway([origin], { extend: (app) => { app.addHook('preHandler', async () => { arrived++ }) } })
  const client = await s.client(gateway)
  client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf')
  await until('the request has arrived', () => arrived === 1)
  await client.leave()
  t.match(await gateway.logs.wait('client gone'), [{ status: 499, backend: null, attempts: 0, requestBytes: 4 }])
  t.equal(origin.requests.length, 0)
})

scenario('a client that leaves a chunked upload between two chunks does not make it look whole', async (s, t) => {
  let whole: Buffer | undefined
  const origin = await s.scripted('a', async ({ request }) => { whole = await request.body() })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n')
  await until('the request has arrived', () => origin.requests.length === 1)
  await client.leave()
  await until('its connection is closed', () => origin.connections === 0)
  t.equal(whole, undefined)
})

scenario('a client that leaves after its answer leaves the upstream connection for the next one', async (s, t) => {
  const origin = await s.scripted('a', answer({ body: 'a' }))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  await client.answer()
  await client.leave()
  t.equal(gateway.app.engine.connectionCount, 1)
  const accepted = origin.accepted
  t.equal((await call(gateway.url)).text, 'a')
  t.equal(origin.accepted, accepted)
  t.equal(gateway.logs.of('client gone').length, 0)
})

scenario('a client that leaves while an upgrade is asked for ends the attempt', async (s, t) => {
  const origin = await s.scripted('a', never, upgradeToEcho())
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/', ['connection: upgrade', 'upgrade: echo'])
  await until('the request has arrived', () => origin.requests.length === 1)
  await client.leave()
  await until('the attempt is over', () => gateway.inFlight === 0)
  await until('its connection is closed', () => origin.connections === 0)
  t.equal(gateway.app.tunnels.size, 0)
  t.match(gateway.logs.of('client gone'), [{ status: 499 }])
})

scenario('clients that leave in masses leave nothing behind', async (s, t) => {
  const origins = [await s.scripted('a', never), await s.scripted('b', answerInParts(endless()))]
  const gateway = await s.gateway(origins)
  const clients = await Promise.all(Array.from({ length: 40 }, () => s.client(gateway)))
  for (const client of clients) client.get('/')
  await until('all are in flight', () => gateway.inFlight === 40)
  await Promise.all(clients.map((client) => client.leave()))
  await until('nothing is in flight', () => gateway.inFlight === 0)
  t.same(gateway.app.pool.status().backends.map(({ requests }) => requests), [20, 20])
})

/** As long as somebody takes it; a turn of the event loop lies between two parts. */
async function * endless (): AsyncGenerator<string> {
  for (;;) {
    await new Promise(setImmediate)
    yield 'more and more'
  }
}

/** As with server-sent events when there is nothing to tell. */
function silentAfter (first: string): Behaviour {
  return async ({ socket, reader }) => {
    await send(socket, Buffer.concat([head('200 OK', ['content-type: text/event-stream', 'transfer-encoding: chunked']), Buffer.from(chunk(first))]))
    await reader.ended
    socket.destroy()
  }
}
