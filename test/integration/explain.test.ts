/** How a backend was chosen, told to whoever may ask, to the log, and to plugins. */
import { mock } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { ExplainedAttempt, ExplainedPick } from '../../src/upstream/explanation.ts'
import { answer, type Answered, call, endInstead, http2Call, http2Scenario, parseObject, scenario, sendBytes, upgradeToEcho, valuesOf } from '../helper.ts'

const ASKED = { 'x-fastlancer-explain': '1' }
const TRUSTING = { EXPLAIN: 'on', TRUST_PROXY: '127.0.0.1' }

const explanationOf = ({ headers }: Answered): Record<string, unknown> => ({ ...parseObject(String(headers['x-fastlancer-explain'])) })

const fieldsOf = ({ headers }: Answered): unknown[] => [headers['x-fastlancer-attempts'], headers['x-fastlancer-explain']]

scenario('a trusted peer that asks is told how its backend was chosen, and what became of each attempt', async (s, t) => {
  const [a, b] = [await s.scripted('a', endInstead('fin')), await s.scripted('b')]
  // Where turns begin is drawn.
  const chance = mock.method(Math, 'random', () => 0.5)
  t.teardown(() => chance.mock.restore())
  const gateway = await s.gateway([], { env: { ...TRUSTING, POLICY: 'least-connections', BACKENDS: `${a.url} weight=2, ${b.url}` } })
  const answered = await call(gateway.url, { headers: ASKED })
  t.equal(answered.headers['x-fastlancer-attempts'], '2')
  t.match(explanationOf(answered), {
    picks: [
      { policy: 'least-connections', rule: /load/, panicking: false, picked: a.url, by: 'policy', candidates: [{ backend: a.url, scores: { inFlight: 0, weight: 2 } }, { backend: b.url }], leftOut: [] },
      { picked: b.url, by: 'policy', candidates: [{ backend: b.url }], leftOut: [{ backend: a.url, because: ['tried'] }] }
    ],
    attempts: [{ backend: a.url, result: 'FL_UPSTREAM_RESET' }, { backend: b.url, result: '200' }]
  })
})

scenario('who is not trusted, or does not ask, is told nothing; with EXPLAIN=off nobody is', async (s, t) => {
  const origin = await s.origin('a')
  for (const [env, headers] of [[{ EXPLAIN: 'on' }, ASKED], [{ EXPLAIN: 'on', TRUST_PROXY: '10.0.0.0/8' }, ASKED], [TRUSTING, {}], [{ TRUST_PROXY: '127.0.0.1' }, ASKED]] as const) {
    const gateway = await s.gateway([origin], { env })
    t.strictSame(fieldsOf(await call(gateway.url, { headers })), [undefined, undefined])
  }
})

const FORGED = ['X-Fastlancer-Explain: forged', 'x-fastlancer-attempts: 77']

scenario('what a backend says in the gateway\'s name reaches nobody, trailers included', async (s, t) => {
  const trailers = FORGED.map((line) => `${line}\r\n`).join('')
  const a = await s.scripted('a', answer({ body: 'a', fields: FORGED }), sendBytes(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers}\r\n`))
  const gateway = await s.gateway([a], { env: TRUSTING })
  t.strictSame(fieldsOf(await call(gateway.url)), [undefined, undefined])
  const client = await s.client(gateway)
  client.get('/', ['te: trailers', 'connection: te, close'])
  await client.ended
  t.notMatch(client.reader.received.toString('latin1'), /fastlancer-|forged/i)
  const asked = await call(gateway.url, { headers: ASKED })
  t.equal(asked.headers['x-fastlancer-attempts'], '1')
  t.match(explanationOf(asked), { attempts: [{ result: '200' }] })
})

scenario('no stranger\'s field with a name of the gateway\'s reaches a backend; a trusted peer\'s does', async (s, t) => {
  const a = await s.scripted('a')
  const headers = { ...ASKED, 'X-Fastlancer-Attempts': '9', 'x-fastlancer-anything': '1' }
  for (const [TRUST_PROXY, count] of [['', 0], ['127.0.0.1', 3]] as const) {
    const gateway = await s.gateway([a], { env: { TRUST_PROXY } })
    await call(gateway.url, { headers })
    t.equal(a.requests.at(-1)?.head.fields.filter(([name]) => name.toLowerCase().startsWith('x-fastlancer-')).length, count)
  }
})

scenario('when nobody is left the 502 says why, backend by backend', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  b.probeStatus = 500
  const gateway = await s.gateway([a, b], { env: TRUSTING })
  gateway.app.pool.verdicts.judge(gateway.backend(a), false, 'declared by the test', Date.now())
  const answered = await call(gateway.url, { headers: ASKED })
  t.strictSame([answered.status, parseObject(answered.text)['code'], answered.headers['x-fastlancer-attempts']], [502, 'FL_NO_BACKEND_AVAILABLE', '0'])
  t.match(explanationOf(answered), { picks: [{ candidates: [], leftOut: [{ backend: a.url, because: ['down'] }, { backend: b.url, because: ['down'] }] }], attempts: [] })
})

scenario('a 502 behind attempts says what they failed for', async (s, t) => {
  const a = await s.scripted('a', endInstead('fin'))
  const gateway = await s.gateway([a], { env: TRUSTING })
  const answered = await call(gateway.url, { headers: ASKED })
  t.equal(answered.status, 502)
  t.match(explanationOf(answered), { picks: [{ picked: a.url }], attempts: [{ backend: a.url, result: 'FL_UPSTREAM_RESET' }] })
})

scenario('who waited for a place is told of it, in few words', async (s, t) => {
  const a = await s.origin('a')
  const gateway = await s.gateway([], { env: { ...TRUSTING, BACKENDS: `${a.url} max=1` } })
  const backend = gateway.backend(a)
  gateway.app.pool.begin(backend)
  const waiting = call(gateway.url, { headers: ASKED })
  // Many looks for a place, which is what this is about.
  await wait(150)
  gateway.app.pool.ended(backend, NaN, 0)
  const answered = await waiting
  t.match(explanationOf(answered), { picks: [{ candidates: [], leftOut: [{ because: ['full'] }] }, { picked: a.url }] })
  t.equal(JSON.stringify(explanationOf(answered)['picks']).split('"policy":').length - 1, 2)
})

scenario('a sticky cookie is named as what has chosen', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway(origins, { env: { ...TRUSTING, STICKY_COOKIE: 'to', STICKY_SECRET: 'a secret of the tests' } })
  const [cookie = ''] = (await call(gateway.url)).headers['set-cookie'] ?? []
  const answered = await call(gateway.url, { headers: { ...ASKED, cookie: cookie.split(';')[0] } })
  t.match(explanationOf(answered), { picks: [{ picked: origins[0]?.url, by: 'sticky' }] })
})

scenario('a tunnel is explained in its 101', async (s, t) => {
  const a = await s.scripted('a', upgradeToEcho())
  const gateway = await s.gateway([a], { env: TRUSTING })
  const client = await s.client(gateway)
  client.get('/', ['connection: Upgrade', 'upgrade: echo', 'x-fastlancer-explain: 1'])
  const head = await client.head()
  t.match(head.startLine, / 101 /)
  t.match(parseObject(valuesOf({ status: 101, head, body: Buffer.alloc(0) }, 'x-fastlancer-explain').join()), { picks: [{ picked: a.url }], attempts: [{ result: '101' }] })
  await client.leave()
})

http2Scenario('a client of HTTP/2 is told too', async (s, t) => {
  const gateway = await s.gateway([await s.http2Origin('a')], { env: TRUSTING })
  const { headers } = await http2Call(await s.session(gateway), { fields: ['x-fastlancer-explain', '1'] })
  t.match([headers['x-fastlancer-attempts'], headers['x-fastlancer-explain']], ['1', /^\{"picks":/])
})

scenario('LOG_LEVEL=debug has every choice in the log, and tells no client', async (s, t) => {
  const [a, b] = [await s.scripted('a', answer({ status: 503 })), await s.scripted('b')]
  const gateway = await s.gateway([a, b], { env: { LOG_LEVEL: 'debug', RETRY_STATUSES: '503' } })
  t.strictSame(fieldsOf(await call(gateway.url, { headers: ASKED })), [undefined, undefined])
  t.match(await gateway.logs.wait('choice of backend'), [{ level: 20, picks: [{ picked: a.url }, { picked: b.url }], attempts: [{ backend: a.url, result: '503' }, { backend: b.url, result: '200' }] }])
  t.equal((await s.gateway([a, b])).logs.of('choice of backend').length, 0)
})

scenario('a hook can read the explanation of its request', async (s, t) => {
  let read: { picks: readonly ExplainedPick[], attempts: readonly ExplainedAttempt[] } | undefined
  const a = await s.origin('a')
  const gateway = await s.gateway([a], {
    env: TRUSTING,
    extend: (app) => { app.addHook('onSend', async (request) => { read = request.exchange?.explanation }) }
  })
  await call(gateway.url)
  t.equal(read, undefined)
  await call(gateway.url, { headers: ASKED })
  t.match(read, { picks: [{ picked: a.url }], attempts: [{ backend: a.url, result: '200' }] })
})
