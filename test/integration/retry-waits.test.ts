/** What is waited for before a request is tried again: the backoff, and a backend that says Retry-After. */
import { mock } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { shutDown } from '../../src/shutdown.ts'
import { answer, call, endInstead, type Gateway, parseObject, type RawClient, scenario, type Scenario, type ScriptedOrigin } from '../helper.ts'

/** An unwanted answer that says when to come again. */
const busy = (retryAfter: string): ReturnType<typeof answer> => answer({ status: 503, body: 'busy', fields: [`retry-after: ${retryAfter}`] })

scenario('a retry waits for its backoff, and is made then', async (s, t) => {
  const chance = mock.method(Math, 'random', () => 0.5)
  t.teardown(() => chance.mock.restore())
  const gateway = await s.gateway([await s.scripted('a', endInstead('fin')), await s.scripted('b')], { env: { RETRY_BACKOFF_MS: '300' } })
  const beganMs = performance.now()
  t.equal((await call(gateway.url)).text, 'b')
  // A timer may be early by part of a millisecond.
  t.ok(performance.now() - beganMs > 148)
})

scenario('a retry of what never reached a backend waits for nothing', async (s, t) => {
  const [refusing, b] = [await s.refusing(), await s.origin('b')]
  const gateway = await s.gateway([refusing, b], { env: { RETRY_BACKOFF_MS: '60000' } })
  gateway.declareHealthy(refusing)
  t.equal((await call(gateway.url)).text, 'b')
})

interface Wait {
  readonly what: string
  readonly env: Readonly<Record<string, string>>
  readonly begin: (s: Scenario) => Promise<readonly ScriptedOrigin[]>
  /** What the log says as it begins. */
  readonly message: string
  /** How long it is, if nothing ends it. */
  readonly ms: number
}

/** Half of it is waited for: see `waiting`. Long enough for a busy machine, and for the half second in which it is found out that a client has left. */
const BACKOFF = { RETRY_BACKOFF_MS: '3000' }

const WAITS: readonly Wait[] = [
  { what: 'the backoff after a failure', env: BACKOFF, begin: async (s) => [await s.scripted('a', endInstead('fin')), await s.scripted('b')], message: 'proxy error', ms: 1_500 },
  { what: 'the backoff after an answer', env: { ...BACKOFF, RETRY_STATUSES: '503' }, begin: async (s) => [await s.scripted('a', answer({ status: 503 })), await s.scripted('b')], message: 'answer refused', ms: 1_500 },
  { what: 'Retry-After', env: { RETRY_STATUSES: '503' }, begin: async (s) => [await s.scripted('a', busy('2'))], message: 'answer refused', ms: 2_000 }
]

interface Waiting {
  readonly gateway: Gateway
  readonly client: RawClient
  /** Nothing has been sent besides the first attempt, and nothing is when the wait would be over. */
  readonly assertOver: () => Promise<void>
}

/** A request that is waiting, and nothing else. */
async function waiting (s: Scenario, t: Test, { env, begin, message, ms }: Wait, more: Readonly<Record<string, string>> = {}): Promise<Waiting> {
  const chance = mock.method(Math, 'random', () => 0.5)
  t.teardown(() => chance.mock.restore())
  const origins = await begin(s)
  const gateway = await s.gateway(origins, { env: { ...env, ...more } })
  const client = await s.client(gateway)
  client.get('/wait')
  await gateway.logs.wait(message)
  t.equal(gateway.inFlight, 0, 'nobody is kept busy')
  const assertOver = async (): Promise<void> => {
    // Longer than the wait, which is what this is about.
    await wait(ms + 150)
    t.strictSame([origins.reduce((count, { requests }) => count + requests.length, 0), gateway.inFlight], [1, 0])
  }
  return { gateway, client, assertOver }
}

for (const one of WAITS) {
  scenario(`a client that leaves during ${one.what} ends it: nothing is sent any more`, async (s, t) => {
    const { gateway, client, assertOver } = await waiting(s, t, one)
    await client.leave()
    t.match(await gateway.logs.wait('client gone'), [{ url: '/wait', status: 499, attempts: 1 }])
    await assertOver()
  })

  scenario(`REQUEST_TIMEOUT_MS ends ${one.what}`, async (s, t) => {
    const { client, assertOver } = await waiting(s, t, one, { REQUEST_TIMEOUT_MS: '150' })
    const { status, body } = await client.answer()
    t.strictSame([status, parseObject(body.toString())['code']], [504, 'FL_REQUEST_TIMEOUT'])
    await assertOver()
  })

  scenario(`a shutdown ends ${one.what} when its own time is over`, async (s, t) => {
    const { gateway, client, assertOver } = await waiting(s, t, one)
    t.equal(await shutDown(gateway.app, 100), false)
    await client.ended
    await assertOver()
  })
}

scenario('clients that leave before their retries are made take none from the others', async (s, t) => {
  const chance = mock.method(Math, 'random', () => 0.5)
  t.teardown(() => chance.mock.restore())
  const [a, b] = [await s.scripted('a', endInstead('fin')), await s.scripted('b')]
  const env = { BACKENDS: `${a.url}, ${b.url} backup`, EJECT_FAILURES: '0', RETRY_BACKOFF_MS: '4000', RETRY_BUDGET_RATIO: '0', RETRY_BUDGET_MIN_PER_S: '1' }
  const gateway = await s.gateway([], { env })
  // All that the budget has for ten seconds.
  const clients = await Promise.all(Array.from({ length: 10 }, async () => await s.client(gateway)))
  for (const client of clients) client.get('/left')
  await gateway.logs.wait('proxy error', 10)
  await Promise.all(clients.map(async (client) => await client.leave()))
  await gateway.logs.wait('client gone', 10)
  t.equal((await call(gateway.url)).text, 'b')
})

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
  gateway.app.pool.verdicts.judge(gateway.backend(a), false, 'declared by the test', Date.now())
  const { status, text } = await answered
  t.strictSame([status, parseObject(text)['code'], a.requests.length], [502, 'FL_ANSWER_REFUSED', 1])
})
