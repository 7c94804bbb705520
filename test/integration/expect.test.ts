/** Expect: 100-continue: the backend is the one that asks for the body, and the gateway where the backend does not. */
import { once } from 'node:events'
import {
  after, afterBody, answer, answerTo, type Behaviour, call, chunk, endInstead, fieldValues, never, open, parseObject, readAll, scenario, type ScriptedOrigin, send,
  sendAndEnd, until
} from '../helper.ts'

/** How long a backend is given to ask, in ms. */
const PATIENCE_MS = 1_000

const CONTINUE = 'HTTP/1.1 100 Continue'

const PUT = 'PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n'

/** Asks for the body, and answers with it. */
const asking: Behaviour = async (exchange) => {
  await send(exchange.socket, Buffer.from(`${CONTINUE}\r\n\r\n`))
  await answer({ body: await exchange.request.body() })(exchange)
}

function got (origin: ScriptedOrigin, name: string): string[] | undefined {
  return origin.requests.map(({ head }) => fieldValues(head, name)).at(-1)
}

for (const framing of ['content-length: 4', 'content-length: 100000', 'transfer-encoding: chunked']) {
  scenario(`the backend asks for the body, and the client is told to go on (${framing})`, async (s, t) => {
    const { promise: mayAsk, resolve: letAsk } = Promise.withResolvers<void>()
    const origin = await s.scripted('a', after(mayAsk, asking))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.send(`PUT / HTTP/1.1\r\nhost: a\r\nExpect: 100-Continue\r\n${framing}\r\n\r\n`)
    await until('the request has arrived', () => origin.requests.length === 1)
    t.same(got(origin, 'expect'), ['100-continue'])
    t.equal(client.reader.received.length, 0, 'the client is not told anything yet')
    letAsk()
    const { startLine, fields } = await client.head()
    t.same([startLine, fields], [CONTINUE, []])
    const body = framing.includes('100000') ? 'x'.repeat(100_000) : 'body'
    client.send(framing.startsWith('transfer') ? `${chunk(body)}0\r\n\r\n` : body)
    t.equal((await client.answer()).body.toString(), body)
    client.get('/next')
    t.equal((await client.answer()).status, 200, 'the connection goes on')
  })
}

scenario('an ordinary client gets by: node:http waits to be asked', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', asking)])
  const sent = open(gateway.url, { method: 'POST', headers: { expect: '100-continue', 'content-length': 4 } })
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.end('body')
  t.equal(String(await readAll(await answerTo(sent))), 'body')
})

scenario('a backend that does not ask: the gateway does after a second, once', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ body: 'got it' })))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  const startedMs = performance.now()
  client.send(PUT)
  t.equal((await client.head()).startLine, CONTINUE)
  const waitedMs = performance.now() - startedMs
  t.ok(waitedMs > PATIENCE_MS - 50 && waitedMs < PATIENCE_MS + 1_000, `${waitedMs} ms`)
  client.send('body')
  t.equal((await client.answer()).body.toString(), 'got it')
  t.equal(String(await origin.requests[0]?.body()), 'body')
})

scenario('a backend that asks twice, or later than the gateway: the client is told once', async (s, t) => {
  const { promise: wasTold, resolve: told } = Promise.withResolvers<void>()
  const twice: Behaviour = async (exchange) => {
    await send(exchange.socket, Buffer.from(`${CONTINUE}\r\n\r\n`))
    await asking(exchange)
  }
  const gateway = await s.gateway([await s.scripted('a', twice, after(wasTold, asking))])
  for (const isLate of [false, true]) {
    const client = await s.client(gateway)
    client.send(PUT)
    t.equal((await client.head()).startLine, CONTINUE)
    if (isLate) told()
    client.send('body')
    const { head, body } = await client.answer()
    t.match(head.startLine, /^HTTP\/1\.1 200 /)
    t.equal(body.toString(), 'body')
  }
})

for (const status of [401, 413, 417, 200]) {
  scenario(`a backend that answers ${status} without the body: the client keeps it, and the connections are not used on`, async (s, t) => {
    const origin = await s.scripted('a', answer({ status, body: 'no, thanks' }), answer({ body: 'next' }))
    const gateway = await s.gateway([origin])
    const accepted = origin.accepted
    const client = await s.client(gateway)
    client.send(PUT)
    const { head, body, status: told } = await client.answer()
    t.equal(`${told} ${body.toString()}`, `${status} no, thanks`)
    t.same(fieldValues(head, 'connection'), ['close'])
    t.equal(await client.ended, 'fin')
    t.equal((await call(gateway.url)).text, 'next')
    t.equal(origin.accepted - accepted, 2)
  })
}

scenario('a client that does not wait is served as well', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', asking)])
  const client = await s.client(gateway)
  client.send(`${PUT}body`)
  let { head, body } = await client.answer()
  while (head.startLine === CONTINUE) ({ head, body } = await client.answer())
  t.match(head.startLine, /^HTTP\/1\.1 200 /)
  t.equal(body.toString(), 'body')
})

scenario('the next backend is asked when the first one fails, and the body is still there', async (s, t) => {
  const failing = [await s.refusing(), await s.scripted('bad', endInstead('fin')), await s.scripted('worse', sendAndEnd(`${CONTINUE}\r\n\r\n`, 'fin'))]
  const good = await s.scripted('good', asking)
  const gateway = await s.gateway([...failing, good])
  for (const origin of failing) gateway.declareHealthy(origin)
  const client = await s.client(gateway)
  client.send(PUT)
  t.equal((await client.head()).startLine, CONTINUE)
  client.send('body')
  const { status, body } = await client.answer()
  t.equal(`${status} ${body.toString()}`, '200 body', 'the client was asked once')
  t.same(got(good, 'expect'), ['100-continue'])
})

scenario('Expect of HTTP/1.0, or without a body, goes nowhere', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ body: 'a' })))
  const gateway = await s.gateway([origin])
  for (const bytes of [PUT.replace('1.1', '1.0').concat('body'), 'GET / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n']) {
    const client = await s.client(gateway)
    client.send(bytes)
    t.equal((await client.answer()).body.toString(), 'a')
    t.same(got(origin, 'expect'), [])
  }
})

scenario('any other expectation: 417', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  for (const expectation of ['something', '100-continue, something', 'y 100-continue', '']) {
    const client = await s.client(gateway)
    client.send(PUT.replace('100-continue', expectation))
    const { status, head, body } = await client.answer()
    t.equal(`${status} ${String(parseObject(body.toString())['code'])}`, '417 FL_EXPECTATION_FAILED')
    t.same(fieldValues(head, 'connection'), ['close'])
    t.equal(await client.ended, 'fin')
  }
  t.equal(origin.requests.length, 0)
})

scenario('a client that leaves instead of waiting ends the attempt', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(PUT)
  await until('the request has arrived', () => origin.requests.length === 1)
  await client.leave()
  await until('the attempt is over', () => gateway.inFlight === 0)
  await until('its connection is closed', () => origin.connections === 0)
  t.match(gateway.logs.of('client gone'), [{ status: 499 }])
})

scenario('a client is not blamed for the time that it waits to be asked', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ body: 'got it' })))
  const gateway = await s.gateway([origin], { env: { CLIENT_BODY_TIMEOUT_MS: '300' } })
  const client = await s.client(gateway)
  client.send(PUT)
  t.equal((await client.head()).startLine, CONTINUE)
  client.send('body')
  t.equal((await client.answer()).body.toString(), 'got it')
})

scenario('a client that was asked, and then sends nothing, is too slow', async (s, t) => {
  for (const behaviour of [asking, afterBody(answer())]) {
    const origin = await s.scripted('a', behaviour)
    const gateway = await s.gateway([origin], { env: { CLIENT_BODY_TIMEOUT_MS: '150' } })
    const client = await s.client(gateway)
    client.send(PUT)
    t.equal((await client.head()).startLine, CONTINUE)
    const { status, body } = await client.answer()
    t.equal(`${status} ${String(parseObject(body.toString())['code'])}`, '408 FL_CLIENT_TIMEOUT')
    await until('its connection is closed', () => origin.connections === 0)
  }
})

scenario('for a route of the user\'s own the gateway asks, at once', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')], {
    extend: (app) => {
      app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body))
      app.put('/own', (request, reply) => reply.send(`own ${String(request.body)}`))
    }
  })
  const client = await s.client(gateway)
  client.send(PUT.replace('/ ', '/own ').replace('host', 'content-type: text/plain\r\nhost'))
  t.equal((await client.head()).startLine, CONTINUE)
  client.send('body')
  t.equal((await client.answer()).body.toString(), 'own body')
})
