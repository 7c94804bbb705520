/** Upgrade requests take the way of every other request: balanced, failed over, seen by hooks, and answered if refused. */
import { answer, answerInParts, call, endInstead, fieldValues, scenario, type Gateway, type RawClient, type Scenario, upgradeToEcho, until, valuesOf } from '../helper.ts'

const UPGRADE = ['connection: Upgrade', 'upgrade: echo']

async function upgrade (s: Scenario, gateway: Gateway): Promise<RawClient> {
  const client = await s.client(gateway)
  client.get('/', UPGRADE)
  return client
}

scenario('tunnels are balanced like requests', async (s, t) => {
  const origins = [await s.scripted('a', upgradeToEcho()), await s.scripted('b', upgradeToEcho()), await s.scripted('c', upgradeToEcho())]
  const gateway = await s.gateway(origins)
  const clients = []
  for (let i = 0; i < 6; i++) {
    const client = await upgrade(s, gateway)
    t.match((await client.head()).startLine, /101/)
    clients.push(client)
  }
  t.same(gateway.app.pool.backends.map(({ inFlight }) => inFlight), [2, 2, 2])
  t.equal(gateway.app.tunnels.size, 6)
  for (const client of clients) await client.leave()
})

scenario('an upgrade fails over like any GET', async (s, t) => {
  const [refusing, bad, good] = [await s.refusing(), await s.scripted('bad', endInstead('fin')), await s.scripted('good', upgradeToEcho())]
  const gateway = await s.gateway([refusing, bad, good])
  gateway.declareHealthy(refusing)
  for (let i = 0; i < 3; i++) {
    const client = await upgrade(s, gateway)
    t.match((await client.head()).startLine, /101/)
    client.send('ping')
    t.equal(String(await client.reader.exactly(4)), 'ping')
    await client.leave()
  }
})

scenario('a backend that refuses to switch is heard, and that connection ends', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 426, body: 'not here', fields: ['x-why: because'] }))
  const gateway = await s.gateway([origin])
  const client = await upgrade(s, gateway)
  const refused = await client.answer()
  t.equal(refused.status, 426)
  t.equal(refused.body.toString(), 'not here')
  t.same(valuesOf(refused, 'x-why'), ['because'])
  t.match(valuesOf(refused, 'connection'), [/^close$/i])
  t.equal(await client.ended, 'fin')
  await until('no tunnel', () => gateway.app.tunnels.size === 0)
  t.match(gateway.logs.of('request'), [{ status: 426 }])
})

scenario('a refusal of any length arrives whole', async (s, t) => {
  const body = 'no'.repeat(300_000)
  const gateway = await s.gateway([await s.scripted('a', answer({ status: 403, body })), await s.scripted('b', answerInParts((async function * () { yield body })()))])
  for (let i = 0; i < 2; i++) {
    const client = await upgrade(s, gateway)
    t.equal((await client.answer()).body.toString(), body)
    t.equal(await client.ended, 'fin')
  }
})

scenario('no available backend: the upgrade is answered 502 in JSON', async (s, t) => {
  const gateway = await s.gateway([await s.refusing()])
  const client = await upgrade(s, gateway)
  const refused = await client.answer()
  t.match(JSON.parse(refused.body.toString()), { statusCode: 502, code: 'FL_NO_BACKEND_AVAILABLE' })
  t.equal(await client.ended, 'fin')
})

scenario('hooks run on upgrades, and may refuse them', async (s, t) => {
  const origin = await s.scripted('a', upgradeToEcho())
  const ran: string[] = []
  const gateway = await s.gateway([origin], {
    extend: (app) => {
      app.addHook('onRequest', async (request, reply) => {
        ran.push('onRequest')
        if (request.headers['x-key'] === undefined) await reply.code(401).header('www-authenticate', 'Key').send({ who: 'are you' })
      })
      app.addHook('preHandler', async (_request, reply) => {
        ran.push('preHandler')
        reply.header('x-hook', 'was here')
      })
    }
  })
  const stranger = await upgrade(s, gateway)
  const refused = await stranger.answer()
  t.equal(refused.status, 401)
  t.same(valuesOf(refused, 'www-authenticate'), ['Key'])
  t.strictSame(JSON.parse(refused.body.toString()), { who: 'are you' })
  t.equal(await stranger.ended, 'fin')
  t.equal(origin.requests.length, 0)

  const friend = await s.client(gateway)
  friend.get('/', [...UPGRADE, 'x-key: 1'])
  const switched = await friend.head()
  t.match(switched.startLine, /101/)
  t.same(fieldValues(switched, 'x-hook'), ['was here'])
  t.same(ran, ['onRequest', 'onRequest', 'preHandler'])
  await friend.leave()
})

scenario('a request with a body, or for HTTP/2, is served as if it had not asked for an upgrade', async (s, t) => {
  const origin = await s.scripted('a', answer({ body: 'ordinary' }))
  const gateway = await s.gateway([origin])
  t.equal((await call(gateway.url, { headers: { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' } })).text, 'ordinary')
  t.equal((await call(gateway.url, { method: 'POST', headers: { connection: 'upgrade', upgrade: 'echo' }, body: 'body' })).text, 'ordinary')
  for (const { head } of origin.requests) {
    t.same(fieldValues(head, 'upgrade'), [])
    t.same(fieldValues(head, 'http2-settings'), [])
  }
  t.equal(String(await origin.requests[1]?.body()), 'body')
})

scenario('tunnels are ended at once when the time for that has come', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', upgradeToEcho())])
  const client = await upgrade(s, gateway)
  await client.head()
  gateway.app.tunnels.destroyAll()
  t.equal(await client.ended, 'fin')
  await until('nothing in flight', () => gateway.inFlight === 0)
  t.equal(gateway.app.tunnels.size, 0)
})
