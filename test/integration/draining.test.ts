/** Backends that ask to be drained, in their answers or in those to probes, and what becomes of requests. */
import { after, answer, call, endInstead, type Gateway, http2Scenario, open, scenario, until, upgradeToEcho } from '../helper.ts'

const FIELD = 'x-fastlancer-drain'
const DRAINS = answer({ fields: [`${FIELD}: 1`, 'kept: yes'], body: 'a' })

/** Names who serves so many requests, one after the other. */
async function served (gateway: Gateway, count: number): Promise<string[]> {
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push((await call(gateway.url)).text)
  return names
}

scenario('a backend whose answer asks for it gets no new request; the client gets that answer without the field', async (s, t) => {
  const [a, b] = [await s.scripted('a', DRAINS), await s.origin('b')]
  const gateway = await s.gateway([a, b])
  const { text, headers } = await call(gateway.url)
  t.strictSame([text, headers['kept'], headers[FIELD]], ['a', 'yes', undefined])
  t.strictSame(await served(gateway, 4), ['b', 'b', 'b', 'b'])
  await gateway.logs.wait('backend has drained')
  t.match(gateway.app.pool.status().backends, [{ state: 'draining', healthy: true, inFlight: 0, reason: 'it asks to be drained (x-fastlancer-drain)' }, { state: 'up' }])
  t.match(gateway.logs.of('backend is draining'), [{ level: 30, pool: 'default', backend: a.url, state: 'draining' }])
  t.equal(gateway.logs.of('backend has drained').length, 1)
})

scenario('whatever the status of that answer is; another value, and a field of a request, say nothing', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 503, fields: [`${FIELD}: 0`] }), answer({ status: 503, fields: [`${FIELD}: 1`] }))
  const gateway = await s.gateway([origin])
  t.match(await call(gateway.url, { headers: { [FIELD]: '1' } }), { status: 503, headers: { [FIELD]: undefined } })
  t.equal(gateway.backend(origin).state, 'up')
  t.match(await call(gateway.url), { status: 503, headers: { [FIELD]: undefined } })
  t.equal(gateway.backend(origin).state, 'draining')
  t.match(await call(gateway.url), { status: 502, text: /FL_NO_BACKEND_AVAILABLE/ })
})

scenario('requests in flight finish, and when the last one has, that is logged once', async (s, t) => {
  const waiting: Array<() => void> = []
  const a = await s.origin('a', (request, response) => {
    if (request.url === '/drain') response.setHeader(FIELD, '1').end('a')
    else waiting.push(() => response.end('a'))
  })
  const gateway = await s.gateway([a])
  const long = [call(gateway.url), call(gateway.url)]
  await until('both are there', () => waiting.length === 2)
  await call(gateway.url, { path: '/drain' })
  await gateway.logs.wait('backend is draining')
  t.equal((await call(gateway.url)).status, 502)
  t.equal(gateway.backend(a).inFlight, 2)
  waiting[0]?.()
  await Promise.race(long)
  t.equal(gateway.logs.of('backend has drained').length, 0)
  waiting[1]?.()
  t.match(await Promise.all(long), [{ status: 200, text: 'a' }, { status: 200, text: 'a' }])
  t.match(await gateway.logs.wait('backend has drained'), [{ backend: a.url, inFlight: 0 }])
})

scenario('a request whose kept connection a draining backend has closed is not sent there again', async (s, t) => {
  const { promise: drained, resolve: letEnd } = Promise.withResolvers<void>()
  const [a, b] = [await s.scripted('a', answer({ body: 'a' }), after(drained, endInstead('fin')), answer({ body: 'again' })), await s.origin('b')]
  const gateway = await s.gateway([a, b])
  t.strictSame(await served(gateway, 2), ['a', 'b'])
  const waiting = call(gateway.url)
  await until('it is there', () => a.requests.length === 2)
  gateway.app.pool.verdicts.drain(gateway.backend(a), 'asked for by the test', Date.now())
  letEnd()
  t.equal((await waiting).text, 'b')
  t.equal(a.requests.length, 2)
})

scenario('a tunnel is in flight too; its 101 can ask for it', async (s, t) => {
  const a = await s.scripted('a', upgradeToEcho(['upgrade: echo', 'connection: upgrade', `${FIELD}: 1`]))
  const gateway = await s.gateway([a])
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
  const { head } = await client.answer()
  t.notMatch(head.raw, new RegExp(FIELD, 'i'))
  await gateway.logs.wait('backend is draining')
  t.match(gateway.backend(a), { state: 'draining', inFlight: 1 })
  await client.leave()
  await gateway.logs.wait('backend has drained')
})

scenario('an answer to a probe can ask for it, 503 included: the backend is draining, not down, until the next good one without', async (s, t) => {
  const [a, b] = [await s.scripted('a'), await s.origin('b')]
  a.onProbe = answer({ status: 503, fields: [`${FIELD}: 1`] })
  const gateway = await s.gateway([a, b], { env: { HEALTH_INTERVAL_MS: '20' } })
  t.match(gateway.backend(a), { state: 'draining', healthy: true })
  const seen = a.probes
  await until('some more probes', () => a.probes > seen + 3)
  t.strictSame(await served(gateway, 3), ['b', 'b', 'b'])
  a.onProbe = answer()
  await gateway.logs.wait('backend is drained no more')
  t.match(gateway.backend(a), { state: 'up', reason: 'answered 200' })
  t.strictSame((await served(gateway, 2)).toSorted(), ['a', 'b'])
  t.equal(gateway.logs.of('backend is down').length, 0)
  t.equal(gateway.logs.of('backend is draining').length, 1)
})

scenario('a bad probe without the field does not end it', async (s, t) => {
  const a = await s.scripted('a', DRAINS)
  const gateway = await s.gateway([a], { env: { HEALTH_INTERVAL_MS: '400' } })
  await call(gateway.url)
  a.onProbe = answer({ status: 500 })
  await gateway.logs.wait('backend is down')
  t.match(gateway.backend(a), { state: 'draining', healthy: false })
  a.onProbe = answer()
  await gateway.logs.wait('backend is drained no more')
  t.equal(gateway.backend(a).state, 'up')
})

scenario('DRAIN_BY_ANSWER=off: the field means nothing in answers to requests, and no client gets it', async (s, t) => {
  const a = await s.scripted('a', DRAINS, upgradeToEcho(['upgrade: echo', 'connection: upgrade', `${FIELD}: 1`]))
  const gateway = await s.gateway([a], { env: { DRAIN_BY_ANSWER: 'off' } })
  t.match(await call(gateway.url), { text: 'a', headers: { kept: 'yes', [FIELD]: undefined } })
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
  t.notMatch((await client.answer()).head.raw, new RegExp(FIELD, 'i'))
  await client.leave()
  t.equal(gateway.backend(a).state, 'up')
})

scenario('DRAIN_BY_ANSWER=off: it means nothing in answers to probes either, so that 503 with it is bad', async (s, t) => {
  const a = await s.scripted('a')
  a.onProbe = answer({ status: 503, fields: [`${FIELD}: 1`] })
  const gateway = await s.gateway([a], { env: { DRAIN_BY_ANSWER: 'off' } })
  t.match(gateway.backend(a), { state: 'down', reason: 'answered 503' })
})

http2Scenario('backends of HTTP/2 ask for it in the same way, in answers and in those to probes', async (s, t) => {
  const byAnswer = await s.http2Origin('a', ({ stream }) => {
    stream.respond({ ':status': 200, [FIELD]: '1', kept: 'yes' })
    stream.end('a')
  })
  const byProbe = await s.http2Origin('b')
  byProbe.onProbe = ({ stream }) => { stream.respond({ ':status': 503, [FIELD]: '1' }, { endStream: true }) }
  const gateway = await s.gateway([byAnswer, byProbe])
  t.strictSame(gateway.app.pool.backends.map(({ state }) => state), ['up', 'draining'])
  t.match(await call(gateway.url), { text: 'a', headers: { kept: 'yes', [FIELD]: undefined } })
  t.strictSame(gateway.app.pool.backends.map(({ state }) => state), ['draining', 'draining'])
  t.equal((await call(gateway.url)).status, 502)
})

scenario('the field is not relayed in a provisional answer or in trailers either, and says nothing there', async (s, t) => {
  const a = await s.scripted('a', ({ socket }) => {
    socket.write(`HTTP/1.1 103 Early Hints\r\n${FIELD}: 1\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-kept\r\n\r\n1\r\na\r\n0\r\n${FIELD}: 1\r\nx-kept: yes\r\n\r\n`)
  })
  const gateway = await s.gateway([a])
  const seen: string[] = []
  const sent = open(gateway.url, { headers: { te: 'trailers', connection: 'te' } })
  sent.on('information', ({ rawHeaders }) => seen.push(...rawHeaders))
  const { promise: done, resolve } = Promise.withResolvers<void>()
  sent.once('response', (response) => {
    response.resume().once('end', () => {
      seen.push(...response.rawHeaders, ...response.rawTrailers)
      resolve()
    })
  })
  sent.end()
  await done
  t.ok(seen.includes('link') && seen.includes('x-kept'), seen.join(' '))
  t.notOk(seen.some((text) => text.toLowerCase() === FIELD))
  t.equal(gateway.backend(a).state, 'up')
})
