/** Probes of running backends: which answers are good, when they are sent, and what follows. */
import {
  after, answer, answerInParts, type Behaviour, call, closeDelimited, cutBody, cutChunked, endInstead, never, scenario, sendAndEnd, sendBytes,
  until
} from '../helper.ts'

/** What a probe may be answered with, the verdict and its reason. */
const VERDICTS: ReadonlyArray<readonly [what: string, probe: Behaviour, healthy: boolean, reason: RegExp]> = [
  ['200', answer(), true, /^answered 200$/],
  ['200 with a body', answer({ body: 'fine' }), true, /^answered 200$/],
  ['200 in chunks', answerInParts(partsOf('fi', 'ne')), true, /^answered 200$/],
  ['200 up to the end of the connection', closeDelimited('fine', 'fin'), true, /^answered 200$/],
  ['200 with more body than anybody reads', sendBytes(`HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n${'x'.repeat(70_000)}`), true, /^answered 200$/],
  ['200 after 103', sendBytes('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'), true, /^answered 200$/],
  ...[201, 204, 206, 304, 400, 401, 404, 429, 500, 503, 599].map((status) =>
    [`${status}`, answer({ status }), false, new RegExp(`^answered ${status}$`)] as const),
  ...[301, 302, 307, 308].map((status) =>
    [`a redirect (${status})`, answer({ status, fields: ['location: /fine'] }), false, new RegExp(`^answered ${status}$`)] as const),
  ['no HTTP', sendAndEnd('SSH-2.0-OpenSSH_9.2\r\n', 'fin'), false, /^an answer that does not begin with HTTP\/1$/],
  ['an end', endInstead('fin'), false, /^closed before the answer$/],
  ['a reset', endInstead('reset'), false, /ECONNRESET/],
  ['half a head', sendAndEnd('HTTP/1.1 200 OK\r\nconte', 'fin'), false, /^closed in the middle of the answer$/],
  ['200 cut short of its length', cutBody('fin', 4), false, /^broke off its answer: /],
  ['200 cut short of its last chunk', cutChunked('fine'), false, /^broke off its answer: /],
  ['200 cut by a reset', closeDelimited('fine', 'reset'), false, /^broke off its answer: .*ECONNRESET/],
  ['200 with two lengths', sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n'), false, /^more than one Content-Length$/],
  ['nothing', never, false, /^no answer within 1500 ms$/],
  ['200 without an end', sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfi'), false, /^no answer within 1500 ms$/]
]

scenario('200 is healthy, anything else is not', async (s, t) => {
  const origins = await Promise.all(VERDICTS.map(async ([what, probe]) => {
    const origin = await s.scripted(what)
    origin.onProbe = probe
    return origin
  }))
  const gateway = await s.gateway(origins, { env: { HEALTH_TIMEOUT_MS: '1500' } })
  for (const [index, [what, , healthy, reason]] of VERDICTS.entries()) {
    const backend = gateway.app.pool.backends[index]
    t.equal(backend?.healthy, healthy, what)
    t.match(backend?.reason, reason, what)
  }
})

scenario('a probe that is answered with a switch of protocols is bad, and its connection is closed', async (s, t) => {
  const origin = await s.scripted('a')
  origin.onProbe = sendBytes('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  const gateway = await s.gateway([origin])
  t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /101/ }])
  await until('its connection has gone', () => origin.connections === 0, 1_000)
})

scenario('a backend that refuses the connection is not healthy', async (s, t) => {
  const gateway = await s.gateway([await s.refusing()])
  t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /ECONNREFUSED/ }])
})

scenario('all backends are probed at the same time, and no request is let in before they have answered', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origins = [await s.scripted('a'), await s.scripted('b'), await s.scripted('c')]
  for (const origin of origins) origin.onProbe = after(mayAnswer, answer())
  let arrived = 0
  const gateway = await s.load(origins, { admin: true, extend: (app) => { app.addHook('onRequest', async () => { arrived++ }) } })
  await gateway.listen()
  const answers = [call(gateway.url), call(gateway.url, { method: 'POST', body: 'x' })]
  await until('both requests have arrived', () => arrived === 2)
  await until('all probes have arrived', () => origins.every(({ probes }) => probes === 1))
  t.same(origins.map(({ requests }) => requests.length), [0, 0, 0])
  t.match(await call(`${gateway.adminUrl}/-/ready`), { status: 503 })
  letAnswer()
  t.match(await Promise.all(answers), [{ status: 200 }, { status: 200 }])
  t.equal((await call(`${gateway.adminUrl}/-/ready`)).status, 200)
})

scenario('requests that wait for the first probes are answered 502 when no backend is healthy', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a')
  origin.onProbe = after(mayAnswer, answer({ status: 503 }))
  let arrived = 0
  const gateway = await s.load([origin], { extend: (app) => { app.addHook('onRequest', async () => { arrived++ }) } })
  await gateway.listen()
  const waiting = call(gateway.url)
  await until('the request has arrived', () => arrived === 1)
  letAnswer()
  const refused = await waiting
  t.equal(refused.status, 502)
  t.match(JSON.parse(refused.text), { code: 'FL_NO_BACKEND_AVAILABLE' })
})

scenario('a client that leaves while it waits for the first probes is forgotten', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a')
  origin.onProbe = after(mayAnswer, answer())
  let arrived = 0
  const gateway = await s.load([origin], { extend: (app) => { app.addHook('onRequest', async () => { arrived++ }) } })
  await gateway.listen()
  const client = await s.client(gateway)
  client.get('/')
  await until('the request has arrived', () => arrived === 1)
  await client.leave()
  t.match(await gateway.logs.wait('client gone'), [{ status: 499, backend: null, attempts: 0 }])
  letAnswer()
  await until('the first round of probes', () => gateway.app.pool.gate.isOpen)
  t.equal((await call(gateway.url)).status, 200)
  t.equal(origin.requests.length, 1)
})

scenario('a probe is GET HEALTH_PATH on a connection of its own, addressed to the backend', async (s, t) => {
  const origin = await s.scripted('a')
  const probes: string[] = []
  origin.onProbe = (exchange) => {
    probes.push(exchange.request.head.raw)
    return answer()(exchange)
  }
  await s.gateway([origin], { env: { HEALTH_PATH: '/up?deep=1' } })
  t.match(probes[0], /^GET \/up\?deep=1 HTTP\/1\.1\r\n/)
  t.match(probes[0], new RegExp(`\r\nhost: 127\\.0\\.0\\.1:${origin.port}\r\n`, 'i'))
  await until('its connection has gone', () => origin.connections === 0)
})

scenario('a backend that recovers comes back by itself, and each change is logged once', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([a, b], { env: { HEALTH_INTERVAL_MS: '20' } })
  a.probeStatus = 500
  await gateway.logs.wait('backend is down')
  const seen = a.probes
  await until('some more probes', () => a.probes > seen + 3)
  t.same([(await call(gateway.url)).text, (await call(gateway.url)).text], ['b', 'b'])
  a.probeStatus = 200
  await gateway.logs.wait('backend is up', 3)
  const answers = [(await call(gateway.url)).text, (await call(gateway.url)).text]
  t.same(answers.toSorted(), ['a', 'b'])
  t.match(gateway.logs.of('backend is down'), [{ level: 40, pool: 'default', backend: a.url, healthy: false, reason: 'answered 500' }])
  t.match(gateway.logs.of('backend is up').slice(2), [{ level: 30, pool: 'default', backend: a.url, healthy: true, reason: 'answered 200' }])
  t.equal(gateway.logs.of('backend is down').length, 1)
  t.equal(gateway.logs.of('backend is up').length, 3)
})

scenario('HEALTH_RISE good probes in a row bring a backend back, HEALTH_FALL bad ones take it out', async (s, t) => {
  const statuses = [200, 503, 200, 503, 503, 200, 200, 503, 200, 200, 200, 200]
  const healthyBefore: boolean[] = []
  const origin = await s.scripted('a')
  const gateway = await s.load([origin], { env: { HEALTH_INTERVAL_MS: '10', HEALTH_RISE: '3', HEALTH_FALL: '2' } })
  origin.onProbe = (exchange) => {
    healthyBefore.push(gateway.backend(origin).healthy)
    return answer({ status: statuses[healthyBefore.length - 1] ?? 200 })(exchange)
  }
  await gateway.listen()
  await until('all probes', () => healthyBefore.length >= statuses.length)
  const [up, down] = [true, false]
  t.same(healthyBefore.slice(0, statuses.length), [up, up, up, up, up, down, down, down, down, down, down, up])
})

scenario('a probe under way is given up when the gateway closes', async (s, t) => {
  const origin = await s.scripted('a')
  origin.onProbe = never
  const gateway = await s.load([origin])
  await gateway.listen()
  await until('the probe has arrived', () => origin.probes === 1)
  await gateway.app.close()
  await until('its connection has gone', () => origin.connections === 0)
  t.equal(gateway.logs.of('backend is down').length, 0)
})

scenario('the start of the checks is logged with their settings', async (s, t) => {
  const gateway = await s.gateway([await s.origin()], { env: { HEALTH_PATH: '/up' } })
  t.match(gateway.logs.of('health checks started'), [{ level: 30, path: '/up', intervalMs: 10_000, timeoutMs: 5_000 }])
})

async function * partsOf (...parts: string[]): AsyncGenerator<string> {
  yield * parts
}
