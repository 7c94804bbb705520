/** What is tried again, and where: answers that are not wanted, methods, bodies, and how often and how long there are further attempts. */
import { setTimeout as wait } from 'node:timers/promises'
import {
  afterBody, answer, answerTo, type Behaviour, call, endInstead, open, parseObject, readAll, scenario, type ScriptedOrigin, upgradeToEcho
} from '../helper.ts'

const REPLAY_LIMIT_BYTES = 64 * 1024

const NO_BUDGET = { RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '0' }

const sorry = answer({ status: 503, body: 'sorry', fields: ['x-why: because'] })

/** How many requests each of them has got. */
const counts = (...origins: readonly ScriptedOrigin[]): number[] => origins.map(({ requests }) => requests.length)

scenario('an answer of RETRY_STATUSES is not passed on: another backend is asked, and the log says so', async (s, t) => {
  const [a, b] = [await s.scripted('a', sorry), await s.scripted('b')]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '429,5xx' } })
  t.match(await call(gateway.url), { status: 200, text: 'b' })
  t.match(gateway.logs.of('answer refused'), [{ level: 40, backend: a.url, attempt: 1, status: 503, retry: 'other-backend' }])
  t.match(gateway.logs.of('request'), [{ backend: b.url, attempts: 2, status: 200 }])
  t.match(gateway.app.pool.status().backends, [{ requests: 1, failures: 0 }, { requests: 1, failures: 0 }])
})

scenario('an answer of another status is passed on, and so is any as it comes', async (s, t) => {
  for (const RETRY_STATUSES of ['429', '']) {
    const [a, b] = [await s.scripted('a', sorry), await s.scripted('b')]
    const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES } })
    t.match(await call(gateway.url), { status: 503, text: 'sorry' })
    t.strictSame(counts(a, b), [1, 0])
  }
})

scenario('an answer that was not wanted counts for an ejection all the same', async (s, t) => {
  const [a, b] = [await s.scripted('a', sorry), await s.scripted('b')]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', EJECT_STATUSES: '503', EJECT_FAILURES: '2' } })
  for (let i = 0; i < 4; i++) t.equal((await call(gateway.url)).text, 'b')
  t.match(await gateway.logs.wait('backend is ejected'), [{ backend: a.url, reason: /^2 failures in a row, the last: answered 503; out for 10000 ms$/ }])
  for (let i = 0; i < 4; i++) t.equal((await call(gateway.url)).text, 'b')
  t.equal(a.requests.length, 2)
})

scenario('the answer of the last one left is passed on as it is', async (s, t) => {
  const [a, b] = [await s.scripted('a', answer({ status: 503, body: 'a is sorry' })), await s.scripted('b', answer({ status: 500, body: 'b is sorry', fields: ['x-why: because'] }))]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '5xx' } })
  t.match(await call(gateway.url), { status: 500, text: 'b is sorry', headers: { 'x-why': 'because' } })
  t.strictSame(counts(a, b), [1, 1])
})

scenario('an answer that was not wanted is gone: if the next backend fails, that is what the client is told', async (s, t) => {
  const [a, b] = [await s.scripted('a', sorry), await s.scripted('b', endInstead('fin'))]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503' } })
  const { status, text } = await call(gateway.url)
  t.strictSame([status, parseObject(text)['code']], [502, 'FL_UPSTREAM_RESET'])
})

const IDEMPOTENCY: ReadonlyArray<readonly [key: string | undefined, isHonoured: 'on' | 'off', attempts: readonly number[]]> = [
  [undefined, 'off', [1, 0]], [undefined, 'on', [1, 0]], ['"8e03978e"', 'off', [1, 0]], ['"8e03978e"', 'on', [1, 1]]
]

for (const [key, isHonoured, attempts] of IDEMPOTENCY) {
  for (const [what, behaviour] of [['an answer that is not wanted', sorry], ['a reset', endInstead('reset')]] as const satisfies ReadonlyArray<readonly [string, Behaviour]>) {
    scenario(`RETRY_IDEMPOTENCY_KEY=${isHonoured}, a POST ${key === undefined ? 'without' : 'with'} a key: after ${what} ${attempts[1] === 1 ? 'another backend gets it' : 'that is it'}`, async (s, t) => {
      const [a, b] = [await s.scripted('a', afterBody(behaviour)), await s.scripted('b', afterBody(answer({ body: 'b' })))]
      const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', RETRY_IDEMPOTENCY_KEY: isHonoured } })
      const { status } = await call(gateway.url, { method: 'POST', body: 'once', headers: key === undefined ? {} : { 'idempotency-key': key } })
      t.equal(status === 200, attempts[1] === 1)
      t.strictSame(counts(a, b), attempts)
    })
  }
}

scenario('a POST whose Idempotency-Key ends at the gateway, because Connection names it, is not sent twice', async (s, t) => {
  const [a, b] = [await s.scripted('a', afterBody(sorry)), await s.scripted('b', afterBody(answer({ body: 'b' })))]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', RETRY_IDEMPOTENCY_KEY: 'on' } })
  const { status } = await call(gateway.url, { method: 'POST', body: 'once', headers: { 'idempotency-key': '"8e03978e"', connection: 'idempotency-key' } })
  t.strictSame([status, ...counts(a, b)], [503, 1, 0])
})

for (const framing of ['its length', 'chunks']) {
  scenario(`a body with ${framing} that is kept is sent again byte for byte after an answer that is not wanted; one that is not kept is not`, async (s, t) => {
    const [a, b] = [await s.scripted('a', afterBody(sorry)), await s.scripted('b', afterBody(answer({ body: 'b' })))]
    const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503' } })
    const put = async (bytes: Buffer): Promise<string> => {
      const sent = open(gateway.url, { method: 'PUT', headers: framing === 'chunks' ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes.length } })
      sent.end(bytes)
      return String(await readAll(await answerTo(sent)))
    }
    const body = Buffer.alloc(REPLAY_LIMIT_BYTES, 'abcdefghijklmnopq')
    t.equal(await put(body), 'b')
    t.ok((await b.requests[0]?.body())?.equals(body), 'the same bytes')
    await call(gateway.url)
    t.equal(await put(Buffer.concat([body, Buffer.from('!')])), 'sorry')
    t.strictSame(counts(a, b), [2, 2])
  })
}

scenario('an answer that is not wanted may come before the body is whole: the next backend gets all of it', async (s, t) => {
  const [a, b] = [await s.scripted('a', sorry), await s.scripted('b', afterBody(answer({ body: 'b' })))]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503' } })
  const sent = open(gateway.url, { method: 'PUT', headers: { 'transfer-encoding': 'chunked' } })
  sent.write('first ')
  await gateway.logs.wait('answer refused')
  sent.end('and last')
  t.equal(String(await readAll(await answerTo(sent))), 'b')
  t.equal(String(await b.requests[0]?.body()), 'first and last')
})

scenario('with nothing left in the budget an answer is passed on as it is, and a failure is told', async (s, t) => {
  const [a, b] = [await s.scripted('a', sorry, endInstead('fin')), await s.scripted('b')]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', ...NO_BUDGET } })
  t.match(await call(gateway.url), { status: 503, text: 'sorry' })
  t.equal((await call(gateway.url)).text, 'b')
  const { status, text } = await call(gateway.url)
  t.strictSame([status, parseObject(text)['code']], [502, 'FL_UPSTREAM_RESET'])
  t.strictSame(counts(a, b), [3, 1])
  t.match(gateway.logs.of('proxy error'), [{ retry: 'same-backend' }, { retry: 'no' }], 'a kept connection that was closed costs nothing')
})

scenario('what never reached a backend goes elsewhere without a budget', async (s, t) => {
  const [refusing, b] = [await s.refusing(), await s.scripted('b')]
  const gateway = await s.gateway([refusing, b], { env: { ...NO_BUDGET, EJECT_FAILURES: '0' } })
  gateway.declareHealthy(refusing)
  for (const method of ['GET', 'POST', 'GET', 'POST']) t.equal((await call(gateway.url, { method })).text, 'b')
})

scenario('there are as many retries of no use as the budget has, and then none', async (s, t) => {
  const [a, b] = [await s.scripted('a', sorry), await s.scripted('b', sorry)]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '1' } })
  const agent = s.agent()
  for (let i = 0; i < 13; i++) t.equal((await call(gateway.url, { agent })).status, 503)
  t.equal(counts(a, b).reduce((sum, count) => sum + count, 0), 13 + 10)
})

scenario('retries that are of use have no end, wherever they go before they are answered', async (s, t) => {
  const met = new WeakSet<object>()
  const closing: Behaviour = (request) => {
    if (met.has(request.socket)) return endInstead('fin')(request)
    met.add(request.socket)
    return answer({ body: 'b' })(request)
  }
  for (const last of [answer({ body: 'b' }), closing]) {
    const [a, refusing, b] = [await s.scripted('a', sorry), await s.refusing(), await s.scripted('b', last)]
    const env = { RETRY_STATUSES: '503', RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '1', EJECT_FAILURES: '0', HEALTH_INTERVAL_MS: '60000' }
    const gateway = await s.gateway([a, refusing, b], { env })
    gateway.declareHealthy(refusing)
    const agent = s.agent()
    for (let i = 0; i < 60; i++) t.equal((await call(gateway.url, { agent })).text, 'b')
  }
})

scenario('an upgrade that another backend accepts was of use too', async (s, t) => {
  const [a, b] = [await s.scripted('a', endInstead('fin')), await s.scripted('b', upgradeToEcho())]
  const gateway = await s.gateway([a, b], { env: { RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '1', EJECT_FAILURES: '0' } })
  for (let i = 0; i < 30; i++) {
    const client = await s.client(gateway)
    client.get('/', ['connection: upgrade', 'upgrade: echo'])
    t.match(await client.head(), { startLine: /^HTTP\/1.1 101 / })
    await client.leave()
  }
})

scenario('RETRY_MAX_ATTEMPTS bounds the attempts, whatever they fail for', async (s, t) => {
  for (const behaviour of [sorry, endInstead('fin')]) {
    const origins = [await s.scripted('a', behaviour), await s.scripted('b', behaviour), await s.scripted('c', behaviour)]
    const gateway = await s.gateway(origins, { env: { RETRY_STATUSES: '503', RETRY_MAX_ATTEMPTS: '2' } })
    t.equal((await call(gateway.url)).status, behaviour === sorry ? 503 : 502)
    t.equal(counts(...origins).reduce((sum, count) => sum + count, 0), 2)
  }
  const refusing = [await s.refusing(), await s.refusing(), await s.refusing()]
  const gateway = await s.gateway(refusing, { env: { RETRY_MAX_ATTEMPTS: '2' } })
  for (const origin of refusing) gateway.declareHealthy(origin)
  t.equal((await call(gateway.url)).status, 502)
  t.equal(gateway.app.pool.counters.allRequests, 2)
})

scenario('RETRY_MAX_ATTEMPTS=1: a GET that meets a kept connection which its backend closes is sent over a new one, and no more often', async (s, t) => {
  const [a, b] = [await s.scripted('a', answer({ body: '1' }), endInstead('fin'), answer({ body: '2' }), endInstead('fin')), await s.scripted('b')]
  const gateway = await s.gateway([a], { env: { RETRY_MAX_ATTEMPTS: '1' } })
  t.strictSame([(await call(gateway.url)).text, (await call(gateway.url)).text], ['1', '2'])
  const two = await s.gateway([a, b], { env: { RETRY_MAX_ATTEMPTS: '1' } })
  t.equal((await call(two.url)).status, 502, 'a new connection that is closed')
  t.strictSame(counts(a, b), [4, 0])
})

scenario('behind RETRY_TIMEOUT_MS no further attempt begins', async (s, t) => {
  const late: Behaviour = async (exchange) => {
    await wait(150)
    await sorry(exchange)
  }
  const [a, b] = [await s.scripted('a', late, sorry), await s.scripted('b')]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', RETRY_TIMEOUT_MS: '100' } })
  t.equal((await call(gateway.url)).status, 503)
  await call(gateway.url)
  t.equal((await call(gateway.url)).text, 'b', 'a retry in time is made')
  t.strictSame(counts(a, b), [2, 2])
})
