/** MAX_CONNECTIONS: clients above it are told why they are refused, and served again as soon as one leaves. */
import { type Http2Scenario, http2Scenario, hasField, fieldValues, parseObject, until, never, type RawAnswer, type Gateway } from '../helper.ts'

/** Beyond the limit so many more are told; the rest is only closed. */
const TOLD_AT_LEAST = 64

const LIMIT = { MAX_CONNECTIONS: '2' }

/** Opens `count` connections that are served. */
async function fill (s: Http2Scenario, gateway: Gateway, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const client = await s.client(gateway)
    client.get('/')
    await client.answer()
  }
}

function codeIn ({ body }: RawAnswer): unknown {
  return parseObject(body.toString())['code']
}

http2Scenario('a connection above MAX_CONNECTIONS gets a 503 that says so, and is closed', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], { env: LIMIT })
  await fill(s, gateway, 2)
  const client = await s.client(gateway)
  const answer = await client.answer()
  t.equal(answer.status, 503)
  t.equal(codeIn(answer), 'FL_CONNECTIONS_EXHAUSTED')
  t.same(fieldValues(answer.head, 'connection'), ['close'])
  t.ok(hasField(answer.head, 'content-length'))
  t.equal(await client.ended, 'fin')
  t.match(gateway.logs.lines.at(-1), { level: 40, code: 'FL_CONNECTIONS_EXHAUSTED', status: 503, client: '127.0.0.1', msg: /MAX_CONNECTIONS/ })
  t.equal(origin.requests.length, 2)
})

http2Scenario('a refused client that has sent its request already gets to read why', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: LIMIT })
  await fill(s, gateway, 2)
  const client = await s.client(gateway)
  client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n${'x'.repeat(200_000)}`)
  t.equal((await client.answer()).status, 503)
  t.equal(await client.ended, 'fin')
})

http2Scenario('as soon as one leaves there is a place for another', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: LIMIT })
  const first = await s.client(gateway)
  await fill(s, gateway, 1)
  t.equal(gateway.app.intake.size, 2)
  const refused = await s.client(gateway)
  t.equal((await refused.answer()).status, 503)
  await refused.leave()
  await first.leave()
  await until('the places are free', () => gateway.app.intake.size === 1)
  await fill(s, gateway, 1)
})

http2Scenario('a client that was refused, and stays, takes the place of nobody', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: LIMIT })
  const first = await s.client(gateway)
  await fill(s, gateway, 1)
  const refused = await s.client(gateway)
  t.equal((await refused.answer()).status, 503)
  const before = gateway.app.intake.size
  await first.leave()
  await until('the first has left', () => gateway.app.intake.size === before - 1)
  const next = await s.client(gateway)
  next.get('/')
  t.equal((await next.answer()).status, 200)
})

http2Scenario('the connections that are open go on at the limit', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: LIMIT })
  const clients = [await s.client(gateway), await s.client(gateway)]
  for (let round = 0; round < 2; round++) {
    for (const client of clients) {
      client.get('/')
      t.equal((await client.answer()).status, 200)
    }
    t.equal((await (await s.client(gateway)).answer()).status, 503)
  }
})

http2Scenario('far above the limit connections are closed without a word', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: LIMIT })
  await fill(s, gateway, 2)
  // They stay, half closed, for as long as the gateway listens to what they still send.
  const told = await Promise.all(Array.from({ length: TOLD_AT_LEAST }, () => s.client(gateway)))
  for (const client of told) t.equal((await client.answer()).status, 503)
  const client = await s.client(gateway)
  await client.ended
  t.equal(client.reader.received.length, 0)
  t.equal(gateway.logs.lines.filter(({ code }) => code === 'FL_CONNECTIONS_EXHAUSTED').length, TOLD_AT_LEAST)
})

http2Scenario('connections of HTTP/2 count like all others', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { MAX_CONNECTIONS: '1' } })
  const session = await s.session(gateway)
  const refused = await s.client(gateway)
  t.equal((await refused.answer()).status, 503)
  await refused.leave()
  session.close()
  await until('its place is free', () => gateway.app.intake.size === 0)
  await fill(s, gateway, 1)
})

http2Scenario('connections that break off are not counted on', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin], { env: LIMIT })
  const clients = [await s.client(gateway), await s.client(gateway)]
  for (const client of clients) client.get('/')
  await until('both are under way', () => origin.requests.length === 2)
  t.equal(gateway.app.intake.size, 2)
  for (const client of clients) client.reset()
  await until('the places are free', () => gateway.app.intake.size === 0 && gateway.inFlight === 0)
})

http2Scenario('MAX_CONNECTIONS=0 is no limit', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { MAX_CONNECTIONS: '0' } })
  await fill(s, gateway, 20)
  t.equal(gateway.app.intake.size, 20)
})
