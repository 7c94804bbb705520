/** What is waited for before a request is tried again: the backoff, and a backend that says Retry-After. */
import type { Test } from 'tap'
import { shutDown } from '../../src/shutdown.ts'
import { answer, call, endInstead, type Gateway, parseObject, type RawClient, scenario, type Scenario, type ScriptedOrigin } from '../helper.ts'

/** So long that a wait drawn from it does not end within a test. */
const LONG_BACKOFF = { RETRY_BACKOFF_MS: '60000' }

/** An unwanted answer that says when to come again. */
const busy = (retryAfter: string): ReturnType<typeof answer> => answer({ status: 503, body: 'busy', fields: [`retry-after: ${retryAfter}`] })

scenario('a retry waits for its backoff, and is made then', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', endInstead('fin')), await s.scripted('b')], { env: { RETRY_BACKOFF_MS: '30' } })
  for (let i = 0; i < 4; i++) t.equal((await call(gateway.url)).text, 'b')
})

scenario('a retry of what never reached a backend waits for nothing', async (s, t) => {
  const [refusing, b] = [await s.refusing(), await s.origin('b')]
  const gateway = await s.gateway([refusing, b], { env: LONG_BACKOFF })
  gateway.declareHealthy(refusing)
  t.equal((await call(gateway.url)).text, 'b')
})

/** The ways into a wait: what the log says as it begins. */
const WAITS: ReadonlyArray<readonly [what: string, env: Readonly<Record<string, string>>, begin: (s: Scenario) => Promise<readonly ScriptedOrigin[]>, message: string]> = [
  ['the backoff after a failure', LONG_BACKOFF, async (s) => [await s.scripted('a', endInstead('fin')), await s.scripted('b')], 'proxy error'],
  ['the backoff after an answer', { ...LONG_BACKOFF, RETRY_STATUSES: '503' }, async (s) => [await s.scripted('a', answer({ status: 503 })), await s.scripted('b')], 'answer refused'],
  ['Retry-After', { RETRY_STATUSES: '503', RETRY_AFTER_MAX_MS: '60000' }, async (s) => [await s.scripted('a', busy('60'))], 'answer refused']
]

/** A request that is waiting, and nothing else. */
async function waiting (s: Scenario, t: Test, [, env, begin, message]: typeof WAITS[number], more: Readonly<Record<string, string>> = {}): Promise<{ gateway: Gateway, origins: readonly ScriptedOrigin[], client: RawClient }> {
  const origins = await begin(s)
  const gateway = await s.gateway(origins, { env: { ...env, ...more } })
  const client = await s.client(gateway)
  client.get('/wait')
  await gateway.logs.wait(message)
  t.equal(gateway.inFlight, 0, 'nobody is kept busy')
  return { gateway, origins, client }
}

const sum = (origins: readonly ScriptedOrigin[]): number => origins.reduce((count, { requests }) => count + requests.length, 0)

for (const way of WAITS) {
  scenario(`a client that leaves during ${way[0]} ends it: nothing is sent any more`, async (s, t) => {
    const { gateway, origins, client } = await waiting(s, t, way)
    await client.leave()
    t.match(await gateway.logs.wait('client gone'), [{ url: '/wait', status: 499, attempts: 1 }])
    t.strictSame([sum(origins), gateway.inFlight], [1, 0])
  })

  scenario(`REQUEST_TIMEOUT_MS holds during ${way[0]}`, async (s, t) => {
    const { origins, client } = await waiting(s, t, way, { REQUEST_TIMEOUT_MS: '150' })
    const { status, body } = await client.answer()
    t.strictSame([status, parseObject(body.toString())['code']], [504, 'FL_REQUEST_TIMEOUT'])
    t.equal(sum(origins), 1)
  })

  scenario(`a shutdown cuts ${way[0]} when its time is over`, async (s, t) => {
    const { gateway, origins, client } = await waiting(s, t, way)
    t.equal(await shutDown(gateway.app, 100), false)
    await client.ended
    t.strictSame([sum(origins), gateway.inFlight], [1, 0])
  })
}

scenario('a backend that says Retry-After is asked again if no other is left, and the log says so', async (s, t) => {
  const a = await s.scripted('a', busy('0'), answer({ body: 'a' }))
  const gateway = await s.gateway([a], { env: { RETRY_STATUSES: '503' } })
  t.match(await call(gateway.url), { status: 200, text: 'a' })
  t.match(gateway.logs.of('answer refused'), [{ backend: a.url, status: 503, retry: 'same-backend', waitMs: 0 }])
  t.match(gateway.logs.of('request'), [{ attempts: 2 }])
})

scenario('it is asked when it says, if that is a date', async (s, t) => {
  const date = new Date(Date.now() + 1_000).toUTCString()
  let askedMs: number[] = []
  const a = await s.origin('a', (_request, response) => {
    askedMs = [...askedMs, Date.now()]
    if (askedMs.length === 1) response.writeHead(503, { 'retry-after': date }).end()
    else response.end('a')
  })
  const gateway = await s.gateway([a], { env: { RETRY_STATUSES: '503' } })
  t.equal((await call(gateway.url)).text, 'a')
  // A timer may be early by part of a millisecond.
  t.ok((askedMs[1] ?? 0) >= Date.parse(date) - 2)
})

scenario('it is waited for once: one that always says so is heard', async (s, t) => {
  const a = await s.scripted('a', busy('0'))
  const gateway = await s.gateway([a], { env: { RETRY_STATUSES: '503' } })
  t.match(await call(gateway.url), { status: 503, text: 'busy', headers: { 'retry-after': '0' } })
  t.equal(a.requests.length, 2)
})

scenario('as long as another backend is left, nobody is waited for', async (s, t) => {
  const [a, b] = [await s.scripted('a', busy('60')), await s.scripted('b')]
  const gateway = await s.gateway([a, b], { env: { RETRY_STATUSES: '503', RETRY_AFTER_MAX_MS: '60000' } })
  t.equal((await call(gateway.url)).text, 'b')
})

const PASSED_ON: ReadonlyArray<readonly [what: string, env: Readonly<Record<string, string>>, retryAfter: string, method: string]> = [
  ['is longer than RETRY_AFTER_MAX_MS', { RETRY_AFTER_MAX_MS: '999' }, '1', 'GET'],
  ['is given, but RETRY_AFTER_MAX_MS is 0', { RETRY_AFTER_MAX_MS: '0' }, '0', 'GET'],
  ['would end behind RETRY_TIMEOUT_MS', { RETRY_TIMEOUT_MS: '900' }, '1', 'GET'],
  ['is neither a date nor seconds', {}, 'soon', 'GET'],
  ['is told to a request that may not be sent twice', {}, '0', 'POST'],
  ['is told to a request that has had its attempts', { RETRY_MAX_ATTEMPTS: '1' }, '0', 'GET']
]

for (const [what, env, retryAfter, method] of PASSED_ON) {
  scenario(`an answer whose Retry-After ${what} is passed on`, async (s, t) => {
    const a = await s.scripted('a', busy(retryAfter))
    const gateway = await s.gateway([a], { env: { RETRY_STATUSES: '503', ...env } })
    t.match(await call(gateway.url, { method }), { status: 503, text: 'busy', headers: { 'retry-after': retryAfter } })
    t.equal(a.requests.length, 1)
  })
}

scenario('a backend that is down when it is to be asked again is not asked', async (s, t) => {
  const a = await s.scripted('a', busy('1'))
  const gateway = await s.gateway([a], { env: { RETRY_STATUSES: '503' } })
  const answered = call(gateway.url)
  await gateway.logs.wait('answer refused')
  gateway.app.pool.judge(gateway.backend(a), false, 'declared by the test', Date.now())
  const { status, text } = await answered
  t.strictSame([status, parseObject(text)['code'], a.requests.length], [502, 'FL_NO_BACKEND_AVAILABLE', 1])
})
