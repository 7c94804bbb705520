/** Clients that take their time with what they send or read: they get a deadline each, and nobody else has to wait for them. */
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import {
  after, afterBody, answer, answerInParts, answerTo, call, chunk, fieldValues, type Gateway, never, open, parseObject, type RawAnswer, type RawClient, readAll,
  scenario, type Scenario, until, valuesOf
} from '../helper.ts'

/** Short enough for a test that waits for it. */
const SHORT_MS = '150'

const MIB = 1024 * 1024

function refusal ({ status, head, body }: RawAnswer): string {
  return `${status} ${String(parseObject(body.toString())['code'])} ${fieldValues(head, 'connection').join()}`
}

/** A client that has sent this and then nothing more. */
async function silentAfter (s: Scenario, gateway: Gateway, bytes: string): Promise<RawClient> {
  const client = await s.client(gateway)
  client.send(bytes)
  return client
}

const HALF_HEADS = ['G', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nhost: a\r\nx-half: ', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n']

scenario('half a head: 408 after CLIENT_HEADERS_TIMEOUT_MS', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], { env: { CLIENT_HEADERS_TIMEOUT_MS: SHORT_MS } })
  await Promise.all(HALF_HEADS.map(async (head) => {
    const client = await silentAfter(s, gateway, head)
    t.equal(refusal(await client.answer()), '408 FL_CLIENT_TIMEOUT close', JSON.stringify(head))
    t.equal(await client.ended, 'fin')
  }))
  t.equal(origin.requests.length, 0)
  t.match(gateway.logs.lines.filter(({ code }) => code === 'FL_CLIENT_TIMEOUT'), HALF_HEADS.map(() => ({ level: 40, status: 408, client: '127.0.0.1' })))
})

scenario('half a head behind a good request: that one is answered, then 408', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', after(mayAnswer, answer({ body: 'good' })))], { env: { CLIENT_HEADERS_TIMEOUT_MS: SHORT_MS } })
  const client = await silentAfter(s, gateway, 'GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /second HTTP/1.1\r\nhos')
  await until('the first is in flight', () => gateway.inFlight === 1)
  // Longer than the deadline and the rhythm in which Node looks for such clients: the answer that is owed comes first.
  await wait(900)
  t.equal(client.reader.received.length, 0)
  letAnswer()
  t.equal((await client.answer()).body.toString(), 'good')
  t.equal(refusal(await client.answer()), '408 FL_CLIENT_TIMEOUT close')
  t.equal(await client.ended, 'fin')
})

scenario('300 clients that send a byte now and then do not hold up an ordinary request, and get their 408', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], { env: { CLIENT_HEADERS_TIMEOUT_MS: '1500' } })
  const clients = await Promise.all(Array.from({ length: 300 }, () => s.client(gateway)))
  const drip = (turn: number): void => { for (const client of clients) client.send('GET /?slow HTTP/1.1'.slice(turn, turn + 1)) }
  const tookMs: number[] = []
  for (let turn = 0; turn < 15; turn++) {
    drip(turn)
    const startedMs = performance.now()
    t.equal((await call(gateway.url)).text, 'a')
    tookMs.push(performance.now() - startedMs)
  }
  t.ok((tookMs.toSorted((a, b) => a - b)[7] ?? Infinity) < 500, 'at once, most of the time')
  for (const client of clients) t.equal(refusal(await client.answer()), '408 FL_CLIENT_TIMEOUT close')
  t.equal(origin.requests.length, 15)
})

const STALLED_BODIES = [
  ['a small one', 'content-length: 10\r\n\r\nhalf', false],
  ['a long one', `content-length: 300000\r\n\r\n${'x'.repeat(100_000)}`, true],
  ['chunks', `transfer-encoding: chunked\r\n\r\n${chunk('half')}`, true],
  ['half a chunk', 'transfer-encoding: chunked\r\n\r\n5\r\nha', true]
] as const

for (const [what, bytes, isSent] of STALLED_BODIES) {
  scenario(`a body that stalls (${what}): 408 after CLIENT_BODY_TIMEOUT_MS, and the backend never sees an end of it`, async (s, t) => {
    let whole: Buffer | undefined
    const origin = await s.scripted('a', async ({ request }) => { whole = await request.body() })
    const gateway = await s.gateway([origin], { env: { CLIENT_BODY_TIMEOUT_MS: SHORT_MS } })
    const client = await silentAfter(s, gateway, `POST / HTTP/1.1\r\nhost: a\r\n${bytes}`)
    t.equal(refusal(await client.answer()), '408 FL_CLIENT_TIMEOUT close')
    t.equal(await client.ended, 'fin')
    t.equal(gateway.inFlight, 0)
    await until('its connection is closed', () => origin.connections === 0)
    t.equal(whole, undefined)
    t.match(gateway.app.pool.status().backends, [{ requests: isSent ? 1 : 0, failures: 0 }])
    t.match(await gateway.logs.wait('request'), [{ status: 408 }])
  })
}

scenario('a body that comes slowly, but does not stall, may take longer than CLIENT_BODY_TIMEOUT_MS', async (s, t) => {
  for (const length of [10, 100_000, undefined]) {
    const origin = await s.scripted('a', afterBody(answer({ body: 'got it' })))
    const gateway = await s.gateway([origin], { env: { CLIENT_BODY_TIMEOUT_MS: '300' } })
    const sent = open(gateway.url, { method: 'POST', headers: length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': length } })
    const answered = answerTo(sent)
    const part = 'x'.repeat((length ?? 100) / 10)
    for (let i = 0; i < 10; i++) {
      sent.write(part)
      await wait(60)
    }
    sent.end()
    t.equal(String(await readAll(await answered)), 'got it')
    t.equal(String(await origin.requests[0]?.body()), part.repeat(10))
  }
})

scenario('a body that has to wait for its backend is not blamed on the client', async (s, t) => {
  const { promise: mayRead, resolve: letRead } = Promise.withResolvers<void>()
  const origin = await s.origin('a', (request, response) => {
    void mayRead.then(async () => response.end(String((await readAll(request)).length)))
  })
  const gateway = await s.gateway([origin], { env: { CLIENT_BODY_TIMEOUT_MS: SHORT_MS } })
  const sent = open(gateway.url, { method: 'POST' })
  sent.end(Buffer.alloc(32 * MIB))
  await until('the request has arrived', () => origin.requests.length === 1)
  // Longer than the deadline, which is what this is about.
  await wait(500)
  letRead()
  t.equal(String(await readAll(await answerTo(sent))), String(32 * MIB))
})

for (const [what, body] of [['whole', Buffer.alloc(24 * MIB)], ['streamed', undefined]] as const) {
  scenario(`a client that does not read its answer (${what}) is cut after CLIENT_SEND_TIMEOUT_MS`, async (s, t) => {
    const origin = await s.scripted('a', body === undefined ? answerInParts(endless()) : answer({ body }))
    const gateway = await s.gateway([origin], { env: { CLIENT_SEND_TIMEOUT_MS: '250' } })
    const client = await s.client(gateway)
    client.socket.pause()
    client.get('/')
    await until('the request has arrived', () => origin.requests.length === 1)
    await until('nothing in flight', () => gateway.inFlight === 0)
    await until('its connection is closed', () => origin.connections === 0)
    t.match(gateway.logs.lines.filter(({ code }) => code === 'FL_CLIENT_TIMEOUT'), [{ level: 40, msg: /took too long to take its answer \(CLIENT_SEND_TIMEOUT_MS: 250 ms\)/ }])
    t.match(gateway.logs.of('answer cut'), [{ status: 200 }])
    client.socket.resume()
    await client.ended
    t.ok(client.reader.received.length < 24 * MIB, 'the answer is not whole')
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }], 'the backend is not blamed')
  })
}

scenario('an answer that is whole on our side, and that the client does not take, is cut too', async (s, t) => {
  const origin = await s.scripted('a', answer({ body: 'x'.repeat(8 * MIB) }))
  const gateway = await s.gateway([origin], {
    env: { CLIENT_SEND_TIMEOUT_MS: '250' },
    extend: (app) => {
      app.addHook('onSend', async (_request, _reply, payload) => payload instanceof Readable ? await readAll(payload) : payload)
    }
  })
  const client = await s.client(gateway)
  client.socket.pause()
  client.get('/')
  await until('the request has arrived', () => origin.requests.length === 1)
  await until('nothing in flight', () => gateway.inFlight === 0)
  await until('it is cut', () => gateway.logs.lines.some(({ code }) => code === 'FL_CLIENT_TIMEOUT'))
  client.socket.resume()
  await client.ended
  t.ok(client.reader.received.length < 8 * MIB, 'the answer is not whole')
})

scenario('an error that a handler of the user\'s makes long, and that the client does not take, is cut too', async (s, t) => {
  const refusing = await s.refusing()
  const gateway = await s.gateway([refusing], {
    env: { CLIENT_SEND_TIMEOUT_MS: '250' },
    extend: (app) => { app.setErrorHandler((_error, _request, reply) => reply.code(502).send('x'.repeat(8 * MIB))) }
  })
  gateway.declareHealthy(refusing)
  const client = await s.client(gateway)
  client.socket.pause()
  client.get('/')
  await until('it is cut', () => gateway.logs.lines.some(({ code }) => code === 'FL_CLIENT_TIMEOUT'))
  client.socket.resume()
  await client.ended
  t.ok(client.reader.received.length < 8 * MIB, 'the answer is not whole')
})

scenario('a client that has taken all there was is not blamed for a backend that then falls silent', async (s, t) => {
  const burst = 'x'.repeat(64 * 1024)
  const origin = await s.scripted('a', answerInParts((async function * () {
    for (let i = 0; i < 200; i++) yield burst
    // Longer than the deadline, which is what this is about.
    await wait(900)
    yield 'last'
  })()))
  const gateway = await s.gateway([origin], { env: { CLIENT_SEND_TIMEOUT_MS: '400' } })
  const response = await answerTo(open(gateway.url).end())
  await wait(200)
  const body = await readAll(response)
  t.equal(body.length, 200 * burst.length + 4)
})

scenario('a client that takes its answer in small sips may take longer than CLIENT_SEND_TIMEOUT_MS', async (s, t) => {
  // The kernel tells of room only when a third of its buffer is free again: on a slow machine that takes a while.
  const [timeoutMs, sippingMs] = [1_500, 4_000]
  const body = Buffer.alloc(32 * MIB, 'abcdefghijklmnopq')
  const gateway = await s.gateway([await s.scripted('a', answer({ body }))], { env: { CLIENT_SEND_TIMEOUT_MS: String(timeoutMs) } })
  const response = await answerTo(open(gateway.url).end())
  const startedMs = performance.now()
  const sips = response.map(async (sip: Buffer) => {
    if (performance.now() - startedMs < sippingMs) await wait(10)
    return sip
  })
  t.ok((await readAll(sips)).equals(body))
  t.ok(performance.now() - startedMs > 2 * timeoutMs)
})

scenario('REQUEST_TIMEOUT_MS is the time for all of it: 504', async (s, t) => {
  const origin = await s.scripted('a', never)
  const gateway = await s.gateway([origin, await s.scripted('b', never)], { env: { REQUEST_TIMEOUT_MS: SHORT_MS } })
  for (const method of ['GET', 'POST']) {
    const { status, text } = await call(gateway.url, { method, ...(method === 'POST' && { body: 'x' }) })
    t.strictSame([status, parseObject(text)], [504, {
      statusCode: 504,
      code: 'FL_REQUEST_TIMEOUT',
      error: 'Gateway Timeout',
      message: 'The request was not answered within 150 ms (REQUEST_TIMEOUT_MS)'
    }])
  }
  await until('their connections are closed', () => origin.connections === 0)
  t.match(gateway.app.pool.status().backends, [{ requests: 1, failures: 0 }, { requests: 1, failures: 0 }], 'no second backend has to wait too')
})

scenario('REQUEST_TIMEOUT_MS within an answer cuts it', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', answerInParts(ticking()))], { env: { REQUEST_TIMEOUT_MS: '300' } })
  const client = await s.client(gateway)
  client.get('/')
  await client.reader.upTo('tick')
  await client.ended
  t.equal(client.reader.received.includes('\r\n0\r\n'), false, 'no last chunk')
  t.match(gateway.logs.of('answer cut'), [{ status: 200 }])
})

scenario('REQUEST_TIMEOUT_MS within an upload that the client holds up: 408', async (s, t) => {
  for (const framing of [`content-length: 300000\r\n\r\n${'x'.repeat(100_000)}`, 'content-length: 10\r\n\r\nhalf', `transfer-encoding: chunked\r\n\r\n${chunk('half')}`]) {
    const origin = await s.scripted('a', afterBody(answer()))
    const gateway = await s.gateway([origin], { env: { REQUEST_TIMEOUT_MS: SHORT_MS } })
    const client = await silentAfter(s, gateway, `POST / HTTP/1.1\r\nhost: a\r\n${framing}`)
    t.equal(refusal(await client.answer()), '408 FL_CLIENT_TIMEOUT close')
    t.equal(await client.ended, 'fin')
    await until('its connection is closed', () => origin.connections === 0)
  }
})

scenario('an answer in time leaves no deadline behind', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')], { env: { REQUEST_TIMEOUT_MS: '200', CLIENT_SEND_TIMEOUT_MS: '200', CLIENT_BODY_TIMEOUT_MS: '200' } })
  const agent = s.agent()
  t.equal((await call(gateway.url, { method: 'POST', body: 'x', agent })).text, 'a')
  // Longer than the deadlines, which is what this is about.
  await wait(450)
  t.equal((await call(gateway.url, { agent })).text, 'a')
  t.same(gateway.logs.lines.filter(({ level }) => level >= 40), [])
})

scenario('a connection without a request is closed after CLIENT_KEEP_ALIVE_TIMEOUT_MS, and its time is announced', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')], { env: { CLIENT_KEEP_ALIVE_TIMEOUT_MS: '1000' } })
  const client = await s.client(gateway)
  client.get('/')
  t.same(valuesOf(await client.answer(), 'keep-alive'), ['timeout=1'])
  const startedMs = performance.now()
  t.equal(await client.ended, 'fin')
  const waitedMs = performance.now() - startedMs
  // Node gives the client a second more than it was told.
  t.ok(waitedMs > 900 && waitedMs < 3_500, `${waitedMs} ms`)
  t.equal(client.reader.unread.length, 0)
})

async function * endless (): AsyncGenerator<string> {
  const part = 'x'.repeat(64 * 1024)
  for (;;) yield part
}

async function * ticking (): AsyncGenerator<string> {
  for (;;) {
    yield 'tick'
    await wait(30)
  }
}
