/** A client that ends its side of the connection behind its request gets its answer; one that has left is noticed all the same. */
import { setTimeout as wait } from 'node:timers/promises'
import {
  after, answer, answerInParts, type Behaviour, call, chunk, type Gateway, never, type RawClient, scenario, type Scenario, send, until
} from '../helper.ts'

/** Longer than an answer may take before the client is asked whether it is still there, in ms. */
const SLOW_MS = 600

/** How long it may take to notice that a client has left, in ms. */
const NOTICED_MS = 1_500

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/** Answers late, with what it was sent. */
const slowly: Behaviour = async (exchange) => {
  const body = await exchange.request.body()
  await wait(SLOW_MS)
  await answer({ body: `late ${body.toString()}` })(exchange)
}

/** Sends bytes and FIN. */
async function sendAndEnd (s: Scenario, gateway: Gateway, bytes: string): Promise<RawClient> {
  const client = await s.client(gateway)
  client.socket.end(Buffer.from(bytes, 'latin1'))
  return client
}

/** Everything up to the gateway's FIN, without interim answers in front. */
async function wholeAnswer (client: RawClient): Promise<string> {
  await client.ended
  let text = (await client.reader.rest()).toString('latin1')
  while (text.startsWith(CONTINUE)) text = text.slice(CONTINUE.length)
  return text
}

const REQUESTS = [
  ['GET', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', 'late '],
  ['POST', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody', 'late body'],
  ['chunked PUT', `PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('body')}0\r\n\r\n`, 'late body'],
  ['GET that asks to close', 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 'late '],
  ['GET of HTTP/1.0', 'GET / HTTP/1.0\r\nhost: a\r\n\r\n', 'late ']
] as const

for (const [what, request, body] of REQUESTS) {
  scenario(`a half-closed client gets the answer to its ${what} whole, and nothing in front of it but 100s`, async (s, t) => {
    const gateway = await s.gateway([await s.scripted('a', slowly)])
    const client = await sendAndEnd(s, gateway, request)
    const text = await wholeAnswer(client)
    t.match(text, /^HTTP\/1\.1 200 Whatever\r\n/)
    t.ok(text.endsWith(`\r\n\r\n${body}`), text)
    t.equal(await client.ended, 'fin')
    t.match(await gateway.logs.wait('request'), [{ status: 200 }])
  })
}

scenario('a client of HTTP/1.0 is not asked: it knows no 100', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', slowly)])
  const client = await sendAndEnd(s, gateway, 'GET / HTTP/1.0\r\n\r\n')
  t.match((await client.head()).startLine, /^HTTP\/1\.1 200 /)
})

scenario('an answer that comes at once has nothing in front of it', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')])
  const client = await sendAndEnd(s, gateway, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  t.match((await client.head()).startLine, /^HTTP\/1\.1 200 /)
  t.equal(await client.ended, 'fin')
})

scenario('an answer that comes between the two halves of a 100 is whole', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', after(mayAnswer, answer({ body: 'now' })))])
  const client = await sendAndEnd(s, gateway, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await client.reader.upTo('HTTP/1.1 100 Continue\r\n')
  letAnswer()
  t.equal((await client.reader.exactly(2)).toString(), '\r\n', 'the 100 is ended first')
  t.equal((await client.answer()).body.toString(), 'now')
})

for (const interim of ['HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'HTTP/1.1 102 Processing\r\n\r\n']) {
  scenario(`an interim answer that comes between the two halves of a 100 does not break it (${interim.slice(9, 12)})`, async (s, t) => {
    const { promise: mayGoOn, resolve: letGoOn } = Promise.withResolvers<void>()
    const gateway = await s.gateway([await s.scripted('a', after(mayGoOn, async (exchange) => {
      await send(exchange.socket, Buffer.from(interim))
      await wait(SLOW_MS)
      await answer({ body: 'now' })(exchange)
    }))])
    const client = await sendAndEnd(s, gateway, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await client.reader.upTo('HTTP/1.1 100 Continue\r\n')
    letGoOn()
    const text = (await client.reader.upTo('now')).toString('latin1')
    t.match(text, /^\r\nHTTP\/1\.1 10[23] [^\r]*\r\n(?:link: <\/a>\r\n)?\r\n(?:HTTP\/1\.1 100 Continue\r\n\r\n)*HTTP\/1\.1 200 /)
  })
}

scenario('a client that ends its side within its answer gets the rest of it', async (s, t) => {
  const { promise: mayGoOn, resolve: letGoOn } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', answerInParts((async function * () {
    yield 'first '
    await mayGoOn
    yield 'last'
  })()))])
  const client = await s.client(gateway)
  client.get('/')
  await client.reader.upTo('first ')
  client.socket.end()
  await wait(SLOW_MS)
  letGoOn()
  // A silent answer is asked for its client with zeros before the size of the next chunk.
  t.match((await client.reader.upTo('\r\n0\r\n\r\n')).toString(), /^\r\n0{0,2}4\r\nlast\r\n0\r\n\r\n$/)
})

scenario('pipelined requests of a half-closed client are all answered', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', slowly), await s.scripted('b', slowly)])
  const client = await sendAndEnd(s, gateway, 'GET /1 HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2))
  const bodies = (await wholeAnswer(client)).split('\r\n\r\n').filter((part) => part.startsWith('late'))
  t.equal(bodies.length, 2)
})

scenario('a client that closes for good frees its upstream connection within about a second, whatever it had sent', async (s, t) => {
  for (const [what, request] of REQUESTS.filter(([name]) => !name.endsWith('1.0'))) {
    const origin = await s.scripted('a', never)
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.send(request)
    await until('the request has arrived', () => origin.requests.length === 1)
    const startedMs = performance.now()
    // FIN, as from a process that ends; its kernel then resets what still comes.
    client.socket.destroy()
    await until('the attempt is over', () => gateway.inFlight === 0, NOTICED_MS)
    t.ok(performance.now() - startedMs < NOTICED_MS, what)
    await until('its connection is closed', () => origin.connections === 0)
    t.match(gateway.logs.of('client gone'), [{ status: 499 }], what)
  }
})

scenario('a client that leaves some time after it has ended its side is noticed too', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin])
  const client = await sendAndEnd(s, gateway, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await client.reader.upTo(CONTINUE)
  t.equal(gateway.inFlight, 1)
  client.reset()
  // It has to be asked again, which is done every five seconds.
  await until('the attempt is over', () => gateway.inFlight === 0, 6_500)
  await until('its connection is closed', () => origin.connections === 0)
  t.match(gateway.logs.of('client gone'), [{ status: 499 }])
})

scenario('a client that leaves while the second of its pipelined requests is under way is noticed', async (s, t) => {
  const origins = [await s.scripted('a', slowly), await s.scripted('b', never)]
  const gateway = await s.gateway(origins)
  const client = await s.client(gateway)
  client.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n')
  await until('both have arrived', () => origins.every(({ requests }) => requests.length === 1))
  client.socket.end()
  const first = await client.reader.upTo('late ')
  t.match(first.toString(), /200 Whatever/)
  client.socket.destroy()
  await until('the attempt is over', () => gateway.inFlight === 0, 6_500)
})

scenario('after a half-closed client the others are served as before', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', slowly)])
  const client = await sendAndEnd(s, gateway, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await wholeAnswer(client)
  t.equal((await call(gateway.url)).text, 'late ')
})

scenario('a half-closed client gets the answers to all that it had pipelined, one after the other', async (s, t) => {
  const origin = await s.scripted('a', slowly, answer({ body: 'second' }), slowly)
  const gateway = await s.gateway([origin])
  const client = await sendAndEnd(s, gateway, ['/1', '/2', '/3'].map((target) => `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))
  const answers = (await wholeAnswer(client)).replaceAll(CONTINUE, '')
  t.match(answers, /^HTTP\/1\.1 200 Whatever\r\n[^]*\r\n\r\nlate HTTP\/1\.1 200 Whatever\r\n[^]*\r\n\r\nsecondHTTP\/1\.1 200 Whatever\r\n[^]*\r\n\r\nlate $/)
  t.same(origin.requests.map(({ target }) => target), ['/1', '/2', '/3'])
  t.equal(await client.ended, 'fin')
})
