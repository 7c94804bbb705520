/** CONNECT and upgrade requests behind other requests of their connection: they wait for their turn, and hold up nobody. */
import {
  afterBody, answer, answerInParts, type Behaviour, fieldValues, never, parseObject, type RawAnswer, scenario, upgradeToEcho, until
} from '../helper.ts'

const MIB = 1024 * 1024

const GET = 'GET /large HTTP/1.1\r\nhost: a\r\n\r\n'
const CONNECT = 'CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n'
const UPGRADE = 'GET /tunnel HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n'

const LARGE = Buffer.alloc(8 * MIB, 'abcdefghijklmnopq')

/** Large answers: with a length, and in chunks. */
const ANSWERS: ReadonlyArray<readonly [what: string, behaviour: Behaviour]> = [
  ['with a length', answer({ body: LARGE })],
  ['in chunks', answerInParts((async function * () {
    for (let at = 0; at < LARGE.length; at += 100_000) yield LARGE.toString('latin1', at, at + 100_000)
  })())]
]

function refusal ({ status, head, body }: RawAnswer): string {
  return `${status} ${String(parseObject(body.toString())['code'])} ${fieldValues(head, 'connection').join()}`
}

for (const [what, behaviour] of ANSWERS) {
  scenario(`a large answer ${what} with a CONNECT behind it arrives whole, and then the refusal`, async (s, t) => {
    const gateway = await s.gateway([await s.scripted('a', behaviour)])
    const client = await s.client(gateway)
    client.send(`${GET}${CONNECT}bytes for the tunnel`)
    t.ok((await client.answer()).body.equals(LARGE))
    t.equal(refusal(await client.answer()), '405 FL_METHOD_NOT_ALLOWED close')
    t.equal(await client.ended, 'fin')
  })
}

scenario('a large answer with an upgrade request behind it arrives whole, and then the tunnel', async (s, t) => {
  const origin = await s.scripted('a', answer({ body: LARGE }), upgradeToEcho())
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(`${GET}${UPGRADE}`)
  t.ok((await client.answer()).body.equals(LARGE))
  t.match((await client.head()).startLine, /^HTTP\/1\.1 101 /)
  client.send('hello')
  t.equal((await client.reader.exactly(5)).toString(), 'hello')
  await client.leave()
})

scenario('several requests before an upgrade request are answered first, in order', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ body: LARGE })), afterBody(answer({ body: 'second' })), upgradeToEcho())
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(`${GET}POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody${UPGRADE}`)
  t.ok((await client.answer()).body.equals(LARGE))
  t.equal((await client.answer()).body.toString(), 'second')
  t.match((await client.head()).startLine, /^HTTP\/1\.1 101 /)
  t.same(origin.requests.map(({ target }) => target), ['/large', '/', '/tunnel'])
  await client.leave()
})

const WAITING = [
  ['a CONNECT', CONNECT, ''], ['a CONNECT with bytes behind it', CONNECT, 'bytes for the tunnel'],
  ['an upgrade request', UPGRADE, ''], ['an upgrade request with bytes behind it', UPGRADE, 'bytes for the tunnel']
] as const

for (const [what, waiting, later] of WAITING) {
  for (const way of ['leaves', 'resets'] as const) {
    scenario(`a client that ${way} is noticed while this waits: ${what}`, async (s, t) => {
      const origin = await s.scripted('a', never)
      const gateway = await s.gateway([origin])
      const client = await s.client(gateway)
      client.send(GET + waiting)
      await until('the first has arrived', () => origin.requests.length === 1)
      if (later !== '') client.send(later)
      if (way === 'resets') client.reset()
      else await client.leave()
      await until('nothing is in flight', () => gateway.inFlight === 0)
      await until('no client is left', () => gateway.app.intake.size === 0)
      await until('its connection is closed', () => origin.connections === 0)
      t.same(origin.requests.map(({ target }) => target), ['/large'])
      t.match(await gateway.logs.wait('client gone'), [{ url: '/large', status: 499 }])
    })
  }

  scenario(`a client that does not read its answer is cut after CLIENT_SEND_TIMEOUT_MS while this waits: ${what}`, async (s, t) => {
    const origin = await s.scripted('a', answer({ body: Buffer.alloc(24 * MIB) }))
    const gateway = await s.gateway([origin], { env: { CLIENT_SEND_TIMEOUT_MS: '250' } })
    const client = await s.client(gateway)
    client.socket.pause()
    client.send(GET + waiting + later)
    await until('the request has arrived', () => origin.requests.length === 1)
    await until('nothing is in flight', () => gateway.inFlight === 0)
    await until('no client is left', () => gateway.app.intake.size === 0)
    t.match(gateway.logs.lines.filter(({ code }) => code === 'FL_CLIENT_TIMEOUT'), [{ level: 40, msg: /took too long to take its answer/ }])
    t.equal(origin.requests.length, 1)
  })
}
