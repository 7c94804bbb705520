/** Answers that go out while the gateway closes: they say that they are the last ones of their connections (RFC 9112, section 9.6). */
import { after, answer, answerInParts, scenario, until, valuesOf, within } from '../helper.ts'

const GET = 'GET /1 HTTP/1.1\r\nhost: a\r\n\r\n'
const DELETE = 'DELETE /2 HTTP/1.1\r\nhost: a\r\n\r\n'

scenario('a proxied answer whose head goes out while the gateway closes says so', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'late' })))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  await until('the request has arrived', () => origin.requests.length === 1)
  const closed = gateway.app.close()
  // The port is closed behind the announcement.
  await until('it closes', () => !gateway.app.server.listening)
  letAnswer()
  const answered = await client.answer()
  t.equal(answered.body.toString(), 'late')
  t.same(valuesOf(answered, 'connection'), ['close'])
  t.equal(await client.ended, 'fin')
  await client.leave()
  await within('the gateway closes', closed)
})

scenario('an answer of an extension says so too, and so does an error', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  let waiting = 0
  const gateway = await s.gateway([await s.scripted('a')], {
    extend: (app) => {
      app.get('/own', async () => {
        waiting++
        await mayAnswer
        return 'mine'
      })
      app.get('/broken', async () => {
        waiting++
        await mayAnswer
        throw new Error('broken')
      })
    }
  })
  const [own, broken] = [await s.client(gateway), await s.client(gateway)]
  own.get('/own')
  broken.get('/broken')
  await until('both wait', () => waiting === 2)
  const closed = gateway.app.close()
  await until('it closes', () => !gateway.app.server.listening)
  letAnswer()
  for (const [client, status] of [[own, 200], [broken, 500]] as const) {
    const answered = await client.answer()
    t.same([answered.status, valuesOf(answered, 'connection')], [status, ['close']])
    t.equal(await client.ended, 'fin')
    await client.leave()
  }
  await within('the gateway closes', closed)
})

scenario('what stands behind such an answer is carried out and answered, or the answer is the last one: never only one of the two', async (s, t) => {
  for (const comesLater of [false, true]) {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
    const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'first' })), answer({ body: 'second' }))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.send(comesLater ? GET : GET + DELETE)
    await until('the first has arrived', () => origin.requests.length === 1)
    const closed = gateway.app.close()
    await until('it closes', () => !gateway.app.server.listening)
    if (comesLater) client.send(DELETE)
    letAnswer()
    const connections: string[] = []
    for (const body of ['first', 'second']) {
      if (connections.at(-1) === 'close') break
      const answered = await client.answer()
      t.equal(answered.body.toString(), body)
      connections.push(...valuesOf(answered, 'connection'))
    }
    t.equal(connections.at(-1), 'close')
    t.equal(await client.ended, 'fin')
    t.equal(client.reader.unread.length, 0)
    t.equal(origin.requests.length, connections.length)
    await client.leave()
    await within('the gateway closes', closed)
  }
})

scenario('a connection that was used and is idle is closed at once', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')])
  const client = await s.client(gateway)
  client.get('/')
  t.same(valuesOf(await client.answer(), 'connection'), ['keep-alive'])
  const closed = gateway.app.close()
  t.equal(await client.ended, 'fin')
  await client.leave()
  await within('the gateway closes', closed)
})

scenario('inject() goes on without a connection', async (s, t) => {
  const gateway = await s.load([await s.origin('a')], { extend: (app) => { app.get('/own', async () => 'mine') } })
  t.equal((await gateway.app.inject('/own')).body, 'mine')
})

scenario('an answer whose head went out before is whole, and then its connection ends', async (s, t) => {
  const { promise: mayEnd, resolve: letEnd } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', answerInParts((async function * () {
    yield 'first '
    await mayEnd
    yield 'last'
  })()))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  t.match((await client.head()).raw, /connection: keep-alive/i)
  const closed = gateway.app.close()
  await until('it closes', () => !gateway.app.server.listening)
  letEnd()
  t.match((await client.reader.upTo('\r\n0\r\n\r\n')).toString(), /last/)
  t.equal(await client.ended, 'fin')
  t.equal(client.reader.unread.length, 0)
  await client.leave()
  await within('the gateway closes', closed)
})

