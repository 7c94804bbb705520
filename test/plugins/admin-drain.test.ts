/** Draining by the admin side: who may ask for it, and what follows. */
import type { OutgoingHttpHeaders } from 'node:http'
import { type Answered, call, type Gateway, parseObject, scenario, until } from '../helper.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

async function post (gateway: Gateway, action: 'drain' | 'undrain', body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Answered> {
  return await call(`${gateway.adminUrl}/-/${action}`, { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) })
}

/** Names who serves so many requests, one after the other. */
async function served (gateway: Gateway, count: number): Promise<string[]> {
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push((await call(gateway.url)).text)
  return names
}

scenario('POST /-/drain takes a backend out, POST /-/undrain brings it back; each answers with its status', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([a, b], { admin: true })
  const drained = await post(gateway, 'drain', { backend: a.url })
  t.equal(drained.status, 200)
  t.match(drained.headers['content-type'], /^application\/json/)
  t.strictSame(parseObject(drained.text), { ...gateway.backend(a).status(), state: 'draining', reason: 'draining: asked for on the admin side' })
  t.strictSame(await served(gateway, 4), ['b', 'b', 'b', 'b'])
  t.match(parseObject((await call(`${gateway.adminUrl}/-/status`)).text), { pools: [{ backends: [{ url: a.url, state: 'draining', healthy: true }, { url: b.url, state: 'up' }] }] })
  t.match(await gateway.logs.wait('backend has drained'), [{ backend: a.url, reason: 'draining: asked for on the admin side' }])
  const back = await post(gateway, 'undrain', { backend: a.url })
  t.match(parseObject(back.text), { url: a.url, state: 'up', reason: 'draining no more: asked for on the admin side' })
  t.strictSame((await served(gateway, 4)).toSorted(), ['a', 'a', 'b', 'b'])
  t.match(await gateway.logs.wait('backend is drained no more'), [{ backend: a.url, state: 'up' }])
})

scenario('asking again changes nothing, and is answered in the same way', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { admin: true })
  const [backend] = gateway.app.pool.backends
  for (const action of ['drain', 'undrain'] as const) {
    const first = await post(gateway, action, { backend: backend?.url })
    const again = await post(gateway, action, { backend: backend?.url })
    t.strictSame([again.status, again.text], [200, first.text])
  }
})

scenario('what is in flight at a drained backend finishes', async (s, t) => {
  const waiting: Array<() => void> = []
  const a = await s.origin('a', (_request, response) => { waiting.push(() => response.end('a')) })
  const gateway = await s.gateway([a], { admin: true })
  const long = call(gateway.url)
  await until('it is there', () => waiting.length === 1)
  t.match(parseObject((await post(gateway, 'drain', { backend: a.url })).text), { state: 'draining', inFlight: 1 })
  t.equal((await call(gateway.url)).status, 502)
  t.match(parseObject((await call(`${gateway.adminUrl}/-/ready`)).text), { status: 'not ready' })
  waiting[0]?.()
  t.match(await long, { status: 200, text: 'a' })
})

scenario('what a backend asks for itself is not ended by the admin side', async (s, t) => {
  const a = await s.origin('a')
  const gateway = await s.gateway([a], { admin: true })
  gateway.app.pool.verdicts.drainAsAsked(gateway.backend(a))
  t.match(parseObject((await post(gateway, 'undrain', { backend: a.url })).text), { state: 'draining' })
})

scenario('a backend is found however its origin is spelt', async (s, t) => {
  const a = await s.origin('a')
  const gateway = await s.gateway([a], { admin: true })
  for (const spelt of [`${a.url}/`, a.url.replace('http:', 'HTTP:'), ` ${a.url} `]) {
    t.match(parseObject((await post(gateway, 'drain', { backend: spelt })).text), { url: a.url, state: 'draining' }, spelt)
  }
})

scenario('a backend that is not there is a 404 that names those that are', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([a, b], { admin: true })
  for (const url of ['http://127.0.0.1:1', 'a', '', '__proto__']) {
    const answered = await post(gateway, 'drain', { backend: url })
    t.equal(answered.status, 404)
    t.match(parseObject(answered.text), { statusCode: 404, code: 'FL_BACKEND_UNKNOWN', message: `There is no backend "${url}": give one of ${a.url}, ${b.url}` })
  }
})

scenario('a password in the name of a backend that is not there is not said again', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { admin: true })
  const { status, text } = await post(gateway, 'drain', { backend: 'http://ops:secret@127.0.0.1:1' })
  t.equal(status, 404)
  t.match(parseObject(text), { message: /^There is no backend "http:\/\/\*\*\*@127\.0\.0\.1:1"/ })
  t.notMatch(text, 'secret')
})

scenario('two backends in one text are none: neither is drained', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([a, b], { admin: true })
  for (const text of [`${a.url},${b.url}`, `${a.url}, nonsense`, `nonsense,${a.url}`, `${a.url} ${b.url}`]) {
    t.equal((await post(gateway, 'drain', { backend: text })).status, 404, text)
  }
  t.strictSame(gateway.app.pool.backends.map(({ state }) => state), ['up', 'up'])
})

scenario('of many backends a 404 names the first ones', async (s, t) => {
  const BACKENDS = Array.from({ length: 12 }, (_, index) => `http://127.0.0.1:${index + 1}`)
  const gateway = await s.gateway([], { admin: true, env: { BACKENDS: BACKENDS.join() } })
  const { text } = await post(gateway, 'drain', { backend: 'x' })
  t.match(parseObject(text), { message: `There is no backend "x": give one of ${BACKENDS.slice(0, 10).join(', ')} and others (/-/status lists all)` })
})

scenario('a body that names no backend is a 400', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { admin: true })
  for (const body of [{}, { backend: 1 }, { backend: null }, { url: 'x' }, [], 'null', '"x"', '1']) {
    const answered = await post(gateway, 'drain', body)
    t.equal(answered.status, 400, JSON.stringify(body))
    t.match(parseObject(answered.text), { code: 'FL_ADMIN_BODY_INVALID', message: /send an object such as/ })
  }
  for (const body of ['', '{', 'backend=x']) t.equal((await post(gateway, 'drain', body)).status, 400, body)
})

scenario('JSON has to be said to be JSON: anything else a page of another site may send unasked', async (s, t) => {
  const a = await s.origin('a')
  const gateway = await s.gateway([a], { admin: true })
  const body = JSON.stringify({ backend: a.url })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'text/plain; application/json', '']) {
    const answered = await post(gateway, 'drain', body, { 'content-type': type })
    t.strictSame([answered.status, parseObject(answered.text)['code']], [415, 'FL_ADMIN_MEDIA_TYPE'], type)
  }
  const answered = await call(`${gateway.adminUrl}/-/drain`, { method: 'POST', body })
  t.strictSame([answered.status, parseObject(answered.text)['code']], [415, 'FL_ADMIN_MEDIA_TYPE'], 'nothing said')
  t.equal(gateway.backend(a).state, 'up')
  t.equal((await post(gateway, 'drain', body, { 'content-type': 'Application/JSON; charset=utf-8' })).status, 200)
})

scenario('a page of another site, and a name that it lets point here, change nothing', async (s, t) => {
  const a = await s.origin('a')
  const gateway = await s.gateway([a], { admin: true })
  const { host: own } = new URL(gateway.adminUrl)
  const foreign: readonly OutgoingHttpHeaders[] = [
    { origin: 'http://evil.example' }, { origin: 'null' }, { origin: gateway.url }, { host: 'evil.example' }, { host: `evil.example:${new URL(gateway.adminUrl).port}`, origin: 'http://evil.example' }
  ]
  for (const headers of foreign) {
    const answered = await post(gateway, 'drain', { backend: a.url }, headers)
    t.strictSame([answered.status, parseObject(answered.text)['code']], [403, 'FL_ADMIN_CROSS_SITE'], JSON.stringify(headers))
  }
  t.equal(gateway.backend(a).state, 'up')
  for (const headers of [{ origin: gateway.adminUrl }, { host: own.replace('127.0.0.1', 'localhost') }]) {
    t.equal((await post(gateway, 'drain', { backend: a.url }, headers)).status, 200, JSON.stringify(headers))
  }
})

scenario('on a loopback address status and timeline are not told to a name that anybody may let point here', async (s, t) => {
  const foreign = { host: 'gateway.internal:9900' }
  const gateway = await s.gateway([await s.origin('a')], { admin: true })
  for (const path of ['/-/status', '/-/timeline']) {
    const answered = await call(gateway.adminUrl, { path, headers: foreign })
    t.strictSame([answered.status, parseObject(answered.text)['code']], [403, 'FL_ADMIN_CROSS_SITE'], path)
    t.equal((await call(gateway.adminUrl, { path })).status, 200, path)
  }
  for (const path of ['/-/live', '/-/ready']) t.equal((await call(gateway.adminUrl, { path, headers: foreign })).status, 200, path)
})

scenario('on other addresses a status may be asked for by name', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], { admin: true, env: { ADMIN_HOST: '0.0.0.0' } })
  for (const path of ['/-/status', '/-/timeline']) t.equal((await call(gateway.adminUrl, { path, headers: { host: 'gateway.internal:9900' } })).status, 200, path)
})

scenario('there is no other way to ask for it', async (s, t) => {
  const a = await s.origin('a')
  const gateway = await s.gateway([a], { admin: true })
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const sent = method === 'PUT' ? { headers: JSON_TYPE, body: JSON.stringify({ backend: a.url }) } : {}
    t.equal((await call(`${gateway.adminUrl}/-/drain?backend=${a.url}`, { method, ...sent })).status, 404, method)
  }
  t.equal((await call(gateway.url, { path: '/-/drain', method: 'POST', headers: JSON_TYPE, body: JSON.stringify({ backend: a.url }) })).text, 'a', 'for clients it is a path like any other')
  t.equal(gateway.backend(a).state, 'up')
})
