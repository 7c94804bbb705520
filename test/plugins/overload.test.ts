/** A gateway that is overloaded refuses what is new, finishes what it has begun, and says why. */
import type { FastifyInstance } from 'fastify'
import {
  after, answer, call, type Gateway, type GatewayOptions, http2Call, http2Scenario, type LogLine, openStream, parseObject, type RawAnswer,
  type Scenario, scenario, until, upgradeToEcho, valuesOf, wholeAnswer
} from '../helper.ts'

/** One turn of the event loop takes that long, in ms. */
const BLOCK_MS = 400

/** A machine that is busy with other things is late by some tens of milliseconds. */
const LATE_LOOP = { OVERLOAD_LOOP_DELAY_MS: '200', OVERLOAD_MEMORY_RATIO: '0' }

/** Within that time the event loop of such a machine is well for two seconds. */
const END_BOUND_MS = 20_000

/** So little that it is in use in any case: then it stays overloaded for as long as a test takes. */
const NO_MEMORY = { OVERLOAD_LOOP_DELAY_MS: '0', OVERLOAD_MEMORY_RATIO: '0.000001' }

const BEGIN = 'overloaded: new requests are refused'
const END = 'no longer overloaded: requests are served again'

/** A route that blocks the event loop. */
function blocking (app: FastifyInstance): void {
  app.get('/block', async () => {
    const endMs = performance.now() + BLOCK_MS
    while (performance.now() < endMs);
    return 'blocked'
  })
}

/** Blocks the event loop until requests are refused. */
async function strain (gateway: Gateway): Promise<void> {
  await until('it is overloaded', async () => (await call(gateway.url, { path: '/block' })).status === 503)
}

/** A gateway that has no memory left. */
async function overloaded (s: Scenario, backends: ReadonlyArray<{ readonly url: string }>, options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await s.gateway(backends, { ...options, env: { ...NO_MEMORY, ...options.env } })
  await until('it is overloaded', () => gateway.app.overload.reason !== undefined)
  return gateway
}

function refusal ({ status, body }: Pick<RawAnswer, 'status' | 'body'>): string {
  return `${status} ${String(parseObject(body.toString())['code'])}`
}

scenario('an event loop that is late: requests are refused, and served again when it is well', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], { env: LATE_LOOP, extend: blocking })
  t.equal((await call(gateway.url)).text, 'a')
  await strain(gateway)
  t.equal((await call(gateway.url)).status, 503)
  t.equal(origin.requests.length, 1)
  await until('it is well again', async () => (await call(gateway.url)).status === 200, END_BOUND_MS)
  t.equal(gateway.app.overload.reason, undefined)
})

scenario('begin and end are logged once each; what was refused has its access line and no other', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: LATE_LOOP, extend: blocking })
  await strain(gateway)
  for (let i = 0; i < 3; i++) t.equal((await call(gateway.url)).status, 503)
  const end = await until('its end is logged', () => gateway.logs.of(END)[0], END_BOUND_MS)
  const { refused } = gateway.app.overload
  t.ok(refused >= 4)
  t.match(gateway.logs.of(BEGIN), [{ level: 40, reason: /event loop is more than 200 ms late \(OVERLOAD_LOOP_DELAY_MS\)/, loopDelayMs: Number }])
  t.ok(Number(gateway.logs.of(BEGIN)[0]?.['loopDelayMs']) > 200)
  t.match(end, { level: 30, refused, ms: Number, loopDelayMs: Number, memoryRatio: Number, heapRatio: Number })
  t.ok(Number(end?.['ms']) >= 1_500)
  t.equal(gateway.logs.of(END).length, 1)
  t.equal(gateway.logs.of('request').filter(({ status }: LogLine) => status === 503).length, refused)
  t.same(gateway.logs.lines.filter(({ level, msg }) => level >= 40 && msg !== BEGIN), [])
})

scenario('one long turn of the event loop refuses nobody', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: LATE_LOOP, extend: blocking })
  t.equal((await call(gateway.url, { path: '/block' })).text, 'blocked')
  for (let i = 0; i < 30; i++) t.equal((await call(gateway.url)).status, 200)
  t.same(gateway.logs.of(BEGIN), [])
})

scenario('without limits nobody is refused, late as the event loop may be', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { env: { OVERLOAD_LOOP_DELAY_MS: '0', OVERLOAD_MEMORY_RATIO: '0' }, extend: blocking })
  for (let i = 0; i < 6; i++) t.equal((await call(gateway.url, { path: '/block' })).status, 200)
  t.equal((await call(gateway.url)).status, 200)
})

scenario('the refusal is an error like all of ours, with the key of the limit, and says when to come again', async (s, t) => {
  const gateway = await overloaded(s, [await s.origin('a')])
  const { status, headers, text } = await call(gateway.url)
  t.equal(status, 503)
  t.match(headers, { 'content-type': /^application\/json/, 'retry-after': /^[2-5]$/ })
  t.strictSame(parseObject(text), {
    statusCode: 503,
    code: 'FL_OVERLOADED',
    error: 'Service Unavailable',
    message: 'The gateway is overloaded: more than 0.000001 of its memory is in use (OVERLOAD_MEMORY_RATIO): try again later'
  })
})

scenario('a connection on which requests without a body were refused is kept', async (s, t) => {
  const gateway = await overloaded(s, [await s.origin('a')])
  const client = await s.client(gateway)
  for (let i = 0; i < 3; i++) {
    client.get('/')
    const answered = await client.answer()
    t.equal(refusal(answered), '503 FL_OVERLOADED')
    t.same(valuesOf(answered, 'connection'), ['keep-alive'])
  }
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(3))
  for (let i = 0; i < 3; i++) t.equal(refusal(await client.answer()), '503 FL_OVERLOADED', 'pipelined')
})

scenario('a request with a body is refused before its body has come, and its connection closes', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await overloaded(s, [origin])
  for (const fields of ['content-length: 16000000\r\n', 'transfer-encoding: chunked\r\n', 'content-length: 5\r\nexpect: 100-continue\r\n']) {
    const client = await s.client(gateway)
    client.send(`POST / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`)
    const answered = await client.answer()
    t.equal(refusal(answered), '503 FL_OVERLOADED', fields)
    t.same(valuesOf(answered, 'connection'), ['close'])
    t.equal(await client.ended, 'fin')
  }
  t.equal(origin.requests.length, 0)
})

scenario('a refusal is not lost to a client that sends its body all the same', async (s, t) => {
  const gateway = await overloaded(s, [await s.origin('a')])
  const client = await s.client(gateway)
  client.socket.pause()
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 16000000\r\n\r\n')
  client.send(Buffer.alloc(16_000_000))
  await gateway.logs.wait('request')
  client.socket.resume()
  t.equal(refusal(await client.answer()), '503 FL_OVERLOADED')
  t.equal(await client.ended, 'fin')
})

scenario('an upgrade is refused like any request', async (s, t) => {
  const origin = await s.scripted('a', upgradeToEcho())
  const gateway = await overloaded(s, [origin])
  const client = await s.client(gateway)
  client.get('/', ['connection: upgrade', 'upgrade: echo'])
  t.equal(refusal(await client.answer()), '503 FL_OVERLOADED')
  t.equal(await client.ended, 'fin')
  t.equal(origin.requests.length, 0)
})

http2Scenario('in HTTP/2 streams are refused, bodies are not waited for, and the session goes on', async (s, t) => {
  const gateway = await overloaded(s, [await s.origin('a')])
  const session = await s.session(gateway)
  for (let i = 0; i < 2; i++) t.equal(refusal(await http2Call(session)), '503 FL_OVERLOADED')
  const upload = openStream(session, { method: 'POST' }, false)
  t.equal(refusal(await wholeAnswer(upload)), '503 FL_OVERLOADED')
  t.equal(refusal(await http2Call(session)), '503 FL_OVERLOADED')
})

scenario('a request that is not beyond doubt is still told so', async (s, t) => {
  const gateway = await overloaded(s, [await s.origin('a')])
  const client = await s.client(gateway)
  client.send('GET /a/../b HTTP/1.1\r\nhost: a\r\n\r\n')
  t.equal(refusal(await client.answer()), '400 FL_PATH_AMBIGUOUS')
})

scenario('routes and onRequest hooks of plugins have no work with what is refused; onSend and onResponse see it', async (s, t) => {
  const seen: string[] = []
  const gateway = await overloaded(s, [await s.origin('a')], {
    extend: (app) => {
      app.addHook('onRequest', async () => { seen.push('onRequest') })
      app.addHook('onSend', async (_request, { statusCode }) => { seen.push(`onSend ${statusCode}`) })
      app.addHook('onResponse', async () => { seen.push('onResponse') })
      app.get('/own', async () => { seen.push('route') })
    }
  })
  t.equal((await call(gateway.url, { path: '/own' })).status, 503)
  await until('all hooks have run', () => seen.includes('onResponse'))
  t.same(seen, ['onSend 503', 'onResponse'])
})

scenario('what was in flight is finished', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'late' })))
  const gateway = await s.gateway([origin], { env: LATE_LOOP, extend: blocking })
  const waiting = call(gateway.url)
  await until('it is in flight', () => origin.requests.length === 1)
  await strain(gateway)
  letAnswer()
  t.equal((await waiting).text, 'late')
  t.ok(gateway.app.overload.reason)
})

scenario('tunnels that are open go on', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', upgradeToEcho())], { env: LATE_LOOP, extend: blocking })
  const client = await s.client(gateway)
  client.get('/', ['connection: upgrade', 'upgrade: echo'])
  await client.head()
  await strain(gateway)
  client.send('still there')
  t.equal((await client.reader.exactly(11)).toString(), 'still there')
  t.ok(gateway.app.overload.reason)
  await client.leave()
})

scenario('backends are probed on', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await overloaded(s, [origin], { env: { HEALTH_INTERVAL_MS: '50' } })
  const before = origin.probes
  await until('two more probes', () => origin.probes >= before + 2)
  t.ok(gateway.app.overload.reason)
  t.ok(gateway.backend(origin).healthy)
})

scenario('the admin side answers, and says that the gateway is not ready', async (s, t) => {
  const gateway = await overloaded(s, [await s.origin('a')], { admin: true })
  const ready = await call(`${gateway.adminUrl}/-/ready`)
  t.strictSame([ready.status, parseObject(ready.text)], [503, {
    status: 'not ready', reason: 'overloaded: more than 0.000001 of its memory is in use (OVERLOAD_MEMORY_RATIO)'
  }])
  for (const path of ['/-/live', '/-/status']) t.equal((await call(`${gateway.adminUrl}${path}`)).status, 200)
})
