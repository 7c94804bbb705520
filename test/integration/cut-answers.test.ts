/** An answer that is cut short upstream is cut short for the client: it never looks whole. */
import {
  type Behaviour, call, closeDelimited, cutBody, cutChunked, type Ending, fieldValues, hasField, scenario, sendBytes, until
} from '../helper.ts'

/** A part of an answer, whose end comes at `moment`. */
type Cut = (ending: Ending, moment: Promise<unknown>) => Behaviour

const CUTS: ReadonlyArray<readonly [what: string, cut: Cut]> = [
  ['with a length', (ending, moment) => cutBody('partial', 100, ending, moment)],
  ['in chunks', (ending, moment) => cutChunked('partial', ending, moment)]
]

for (const [what, cut] of CUTS) {
  for (const ending of ['fin', 'reset'] satisfies Ending[]) {
    scenario(`an answer ${what} that ends too early (${ending}) is cut for the client`, async (s, t) => {
      const { promise: moment, resolve: endNow } = Promise.withResolvers<void>()
      const origin = await s.scripted('a', cut(ending, moment))
      const gateway = await s.gateway([origin])
      const client = await s.client(gateway)
      client.get('/')
      const head = await client.head()
      t.equal(head.startLine, 'HTTP/1.1 200 OK')
      await client.reader.upTo('partial')
      endNow()
      await client.ended
      t.equal(client.reader.received.includes('\r\n0\r\n'), false, 'no last chunk')
      t.same(fieldValues(head, 'content-length'), what === 'with a length' ? ['100'] : [])
      t.equal(origin.requests.length, 1)
      t.match(gateway.logs.of('proxy error'), [{ code: 'FL_UPSTREAM_RESET', retry: 'no', backend: origin.url }])
      t.match(gateway.logs.of('answer cut'), [{ status: 200, responseBytes: 7, attempts: 1 }])
    })
  }

  scenario(`a client of HTTP/1.0 sees a reset where an answer ${what} is cut`, async (s, t) => {
    const { promise: moment, resolve: endNow } = Promise.withResolvers<void>()
    const gateway = await s.gateway([await s.scripted('a', cut('fin', moment))])
    const client = await s.client(gateway)
    client.send('GET / HTTP/1.0\r\n\r\n')
    await client.reader.upTo('partial')
    endNow()
    t.equal(await client.ended, 'reset')
  })

  scenario(`an answer ${what} that is cut as it begins does not look whole`, async (s, t) => {
    const gateway = await s.gateway([await s.scripted('a', cut('fin', Promise.resolve()))])
    const outcome = await call(gateway.url).then(({ status }) => status, () => 'cut')
    t.ok(outcome === 'cut' || outcome === 502, `${outcome}`)
  })
}

scenario('an answer up to the end of the connection is whole when that ends orderly', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', closeDelimited('whole', 'fin'))])
  const client = await s.client(gateway)
  client.get('/')
  const { head, body } = await client.answer()
  t.equal(body.toString(), 'whole')
  t.same(fieldValues(head, 'transfer-encoding'), ['chunked'])
})

scenario('an answer up to the end of the connection is cut when that is reset', async (s, t) => {
  const { promise: moment, resolve: endNow } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', closeDelimited('partial', 'reset', moment))])
  const client = await s.client(gateway)
  client.get('/')
  await client.head()
  await client.reader.upTo('partial')
  endNow()
  await client.ended
  t.equal(client.reader.received.includes('\r\n0\r\n'), false, 'no last chunk')
  t.equal(gateway.logs.of('answer cut').length, 1)
})

scenario('an answer without a length ends with the connection for a client of HTTP/1.0', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', closeDelimited('whole', 'fin'))])
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.0\r\n\r\n')
  const { head, body } = await client.answer()
  t.equal(body.toString(), 'whole')
  t.equal(hasField(head, 'transfer-encoding'), false)
  t.equal(await client.ended, 'fin')
})

scenario('a large answer that is cut while the client is slow does not look whole', async (s, t) => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'x')
  const origin = await s.scripted('a', async ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`)
    socket.end(body)
  })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.socket.pause()
  client.get('/')
  await until('the answer has begun', () => gateway.app.engine.connectionCount === 1 && origin.requests.length === 1)
  client.socket.resume()
  await client.ended
  t.equal(client.reader.received.subarray(-7).includes('\r\n0\r\n'), false, 'no last chunk')
})

scenario('rubbish within a chunked answer cuts it', async (s, t) => {
  const { promise: moment, resolve: goOn } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', async (exchange) => {
    await sendBytes('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\npartial\r\n')(exchange)
    await moment
    await sendBytes('rubbish\r\n')(exchange)
  })])
  const client = await s.client(gateway)
  client.get('/')
  await client.head()
  await client.reader.upTo('partial')
  goOn()
  await client.ended
  t.equal(client.reader.received.includes('\r\n0\r\n'), false, 'no last chunk')
  t.match(gateway.logs.of('proxy error'), [{ code: 'FL_UPSTREAM_BAD_RESPONSE', retry: 'no' }])
})
