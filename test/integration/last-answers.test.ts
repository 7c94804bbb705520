/** The last answer of a connection: nothing that stands behind it is carried out. Too many requests that wait make one the last. */
import { afterBody, answer, after, chunk, fieldValues, parseObject, type RawAnswer, scenario, until, valuesOf } from '../helper.ts'

/** Requests that may wait behind the one that is carried out. */
const MAX_WAITING = 128

function requestText (method: string, target: string, body = ''): string {
  return `${method} ${target} HTTP/1.1\r\nhost: x\r\n${body === '' ? '' : `content-length: ${body.length}\r\n`}\r\n${body}`
}

/** Status and code of an error that closes the connection. */
function refusal ({ status, head, body }: RawAnswer): string {
  return `${status} ${String(parseObject(body.toString())['code'])} ${fieldValues(head, 'connection').join()}`
}

const CHUNKED = `PUT /large HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk('x'.repeat(1_001))}0\r\n\r\n`

/** What makes an answer the last one of its connection. */
const LAST: ReadonlyArray<readonly [what: string, bytes: string, env: Readonly<Record<string, string>>, refusal: string]> = [
  ['a body that is too large', requestText('PUT', '/large', 'x'.repeat(1_001)), { MAX_BODY_BYTES: '1000' }, '413 FL_BODY_TOO_LARGE close'],
  ['chunks that are too much', CHUNKED, { MAX_BODY_BYTES: '1000' }, '413 FL_BODY_TOO_LARGE close'],
  ['TRACE', requestText('TRACE', '/'), {}, '405 FL_METHOD_NOT_ALLOWED close']
]

for (const [what, bytes, env, expected] of LAST) {
  for (const first of ['', requestText('GET', '/1')]) {
    scenario(`nothing behind ${what} is carried out${first === '' ? '' : ', in its turn'}`, async (s, t) => {
      const origin = await s.scripted('a', afterBody(answer({ body: 'a' })))
      const gateway = await s.gateway([origin], { env })
      const client = await s.client(gateway)
      client.send(first + bytes + requestText('DELETE', '/behind') + requestText('GET', '/behind'))
      if (first !== '') t.equal((await client.answer()).body.toString(), 'a')
      t.equal(refusal(await client.answer()), expected)
      t.equal(await client.ended, 'fin')
      t.equal(client.reader.unread.length, 0)
      t.notOk(origin.requests.some(({ target }) => target === '/behind'))
      t.equal(gateway.logs.lines.filter(({ url }) => url === '/behind').length, 0)
    })
  }
}

scenario('nothing behind a request that asks to close is carried out', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(`${requestText('GET', '/1')}GET /2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n${requestText('DELETE', '/3')}`)
  t.same(valuesOf(await client.answer(), 'connection'), ['keep-alive'])
  t.same(valuesOf(await client.answer(), 'connection'), ['close'])
  t.equal(await client.ended, 'fin')
  t.equal(client.reader.unread.length, 0)
  t.same(origin.requests.map(({ target }) => target), ['/1', '/2'])
})

scenario('nothing behind an answer of an extension that says close is carried out', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], { extend: (app) => { app.get('/own', (_request, reply) => reply.header('connection', 'close').send('mine')) } })
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('GET', '/own') + requestText('DELETE', '/3'))
  t.equal((await client.answer()).body.toString(), 'a')
  t.equal((await client.answer()).body.toString(), 'mine')
  t.equal(await client.ended, 'fin')
  t.equal(client.reader.unread.length, 0)
  t.same(origin.requests.map(({ target }) => target), ['/1'])
})

scenario(`of more than ${MAX_WAITING} that wait, those within the limit are answered in order; then the connection ends`, async (s, t) => {
  const inFlight: number[] = []
  const origin = await s.scripted('a', async (exchange) => {
    inFlight.push(gateway.inFlight)
    await answer({ body: exchange.request.target })(exchange)
  })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  const targets = Array.from({ length: 300 }, (_, i) => `/${i}`)
  client.send(targets.map((target) => requestText('GET', target)).join(''))
  // One is carried out, the others wait.
  const served = targets.slice(0, 1 + MAX_WAITING)
  for (const target of served) {
    const answered = await client.answer()
    t.equal(answered.body.toString(), target)
    t.same(valuesOf(answered, 'connection'), [target === served.at(-1) ? 'close' : 'keep-alive'])
  }
  t.equal(await client.ended, 'fin')
  t.equal(client.reader.unread.length, 0)
  t.same(origin.requests.map(({ target }) => target), served)
  t.equal(Math.max(...inFlight), 1)
  t.equal((await gateway.logs.wait('request', served.length)).length, served.length)
})

scenario('what is sent on a connection that is full is thrown away, and takes no answer away', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'first' })), answer({ body: 'a' }))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(requestText('GET', '/').repeat(200))
  await until('the first has arrived', () => origin.requests.length === 1)
  // Requests, and things that are none: nobody reads them any more.
  await new Promise<unknown>((resolve) => { client.socket.write(`${requestText('DELETE', '/late')}rubbish\r\n\r\n`.repeat(100_000), resolve) })
  letAnswer()
  t.equal((await client.answer()).body.toString(), 'first')
  for (let i = 0; i < MAX_WAITING; i++) t.equal((await client.answer()).body.toString(), 'a')
  t.equal(await client.ended, 'fin')
  t.equal(client.reader.unread.length, 0)
  t.equal(origin.requests.length, 1 + MAX_WAITING)
  t.same(gateway.logs.lines.filter(({ level }) => level >= 40), [])
})

scenario('a connection carries any number of requests, as long as not too many wait', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')])
  const client = await s.client(gateway)
  for (let batch = 0; batch < 4; batch++) {
    client.send(requestText('GET', '/').repeat(MAX_WAITING))
    for (let i = 0; i < MAX_WAITING; i++) t.equal((await client.answer()).body.toString(), 'a')
  }
})
