/** Requests spread over the backends, as clients and backends see it. */
import type { FastifyInstance } from 'fastify'
import type { Backend } from '../../src/pool/backend.ts'
import { BUILT_IN_POLICIES } from '../../src/pool/policies/built-in.ts'
import type { PolicyFactory } from '../../src/pool/policy.ts'
import { call, type Gateway, parseObject, scenario, type Origin, until } from '../helper.ts'

scenario('of n x k requests each of k backends gets n, in turn', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  const gateway = await s.gateway(origins)
  const served: string[] = []
  for (let i = 0; i < 12; i++) served.push((await call(gateway.url)).text)
  t.equal(served.join(''), 'abcabcabcabc')
})

scenario('the shares are exact for concurrent requests too', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  const gateway = await s.gateway(origins)
  const agent = s.agent(8)
  const answers = await Promise.all(Array.from({ length: 150 }, () => call(gateway.url, { agent })))
  t.same(shares(origins, answers), [50, 50, 50])
  t.same(gateway.app.pool.status().backends.map(({ requests }) => requests), [50, 50, 50])
})

scenario('the share of a backend that is down is spread over the others', async (s, t) => {
  const dead = await s.origin('dead')
  const alive = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  dead.probeStatus = 503
  const gateway = await s.gateway([...alive.slice(0, 1), dead, ...alive.slice(1)])
  const answers = await Promise.all(Array.from({ length: 90 }, () => call(gateway.url)))
  t.same(shares(alive, answers), [30, 30, 30])
  t.equal(dead.requests.length, 0)
})

scenario('what a refusing backend cannot serve is spread evenly over the others', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
  const gateway = await s.gateway(origins, { env: { EJECT_FAILURES: '0' } })
  await origins[1]?.stop()
  const answers = []
  for (let i = 0; i < 60; i++) answers.push(await call(gateway.url))
  t.same(shares(origins, answers), [30, 0, 30])
  const status = gateway.app.pool.status().backends
  t.same(status.map(({ failures }) => failures), [0, 20, 0])
  t.same(status.map(({ requests }) => requests), [30, 20, 30])
})

scenario('each backend is named in the log once it is added', async (s, t) => {
  const gateway = await s.load([{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2' }])
  t.match(gateway.logs.of('backend added'), [
    { level: 30, pool: 'default', backend: 'http://127.0.0.1:1' },
    { level: 30, pool: 'default', backend: 'http://127.0.0.1:2' }
  ])
})

scenario('the policy is the one that POLICY names', async (s, t) => {
  for (const POLICY of ['round-robin', 'weighted-round-robin', 'random', 'least-connections', 'power-of-two', 'peak-ewma', 'consistent-hash', 'bounded-hash']) {
    const gateway = await s.gateway([await s.origin('a'), await s.origin('b')], { env: { POLICY } })
    t.equal(gateway.app.pool.status().policy, POLICY)
    for (let i = 0; i < 3; i++) t.equal((await call(gateway.url)).status, 200)
  }
})

scenario('a policy that nobody knows stops the start, with its name and those that are known', async (s, t) => {
  await t.rejects(s.load([{ url: 'http://127.0.0.1:1' }], { env: { POLICY: 'round-robbin' } }), {
    code: 'FL_POLICY_UNKNOWN',
    message: /^POLICY: "round-robbin" is not known: it has to be one of round-robin, weighted-round-robin, random, .*, bounded-hash, or one that a plugin registers/
  })
})

scenario('a policy of a plugin is taken when POLICY names it, and is among those that are known', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const extend = (app: FastifyInstance): void => { app.policies.set('last-one', lastOne) }
  const gateway = await s.gateway(origins, { env: { POLICY: 'last-one' }, extend })
  t.same([(await call(gateway.url)).text, (await call(gateway.url)).text], ['b', 'b'])
  t.equal(gateway.app.pool.status().policy, 'last-one')
  await t.rejects(s.load(origins, { env: { POLICY: 'x' }, extend }), { message: /last-one/ })
})

scenario('a plugin may take the place of a policy that comes with the gateway, for this gateway alone', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway(origins, { extend: (app) => { app.policies.set('round-robin', lastOne) } })
  t.equal((await call(gateway.url)).text, 'b')
  t.equal((await call((await s.gateway(origins)).url)).text, 'a')
})

const warnings = ({ logs }: Gateway): string[] => logs.lines.filter(({ level }) => level === 40).map(({ msg }) => msg.replace(/ mean.*/, ''))

scenario('a slow start that the policy does not know is warned of', async (s, t) => {
  const env = { BACKENDS: 'http://127.0.0.1:1 weight=3, http://127.0.0.1:2', SLOW_START_MS: '10' }
  for (const POLICY of BUILT_IN_POLICIES.keys()) {
    t.strictSame(warnings(await s.load([], { env: { ...env, POLICY } })), POLICY.endsWith('-hash') ? ['SLOW_START_MS'] : [], POLICY)
  }
  t.strictSame(warnings(await s.load([], { env: { ...env, SLOW_START_MS: '0', POLICY: 'bounded-hash' } })), [], 'there is none')
  const extend = (app: FastifyInstance): void => { app.policies.set('bounded-hash', lastOne) }
  t.strictSame(warnings(await s.load([], { env: { ...env, POLICY: 'bounded-hash' }, extend })), [], 'a policy of a plugin')
})

scenario('what is said of backends is in force, and in the status', async (s, t) => {
  const gateway = await s.load([], { env: { BACKENDS: 'http://127.0.0.1:1 weight=3 max=7, http://127.0.0.1:2 backup' } })
  t.match(gateway.app.pool.backends, [{ weight: 3, priority: 0, maxInFlight: 7 }, { weight: 1, priority: 1, maxInFlight: 10_000 }])
  t.match(gateway.app.pool.status().backends, [{ weight: 3, priority: 0 }, { weight: 1, priority: 1 }])
  t.match(gateway.logs.of('backend added'), [{ weight: 3, priority: 0 }, { weight: 1, priority: 1 }])
})

scenario('BACKEND_MAX_IN_FLIGHT holds for backends without a max of their own; 0 is any number', async (s, t) => {
  for (const [limit, maxInFlight] of [['5', 5], ['0', 0]] as const) {
    const gateway = await s.load([], { env: { BACKENDS: 'http://127.0.0.1:1 max=7, http://127.0.0.1:2', BACKEND_MAX_IN_FLIGHT: limit } })
    t.match(gateway.app.pool.backends, [{ maxInFlight: 7 }, { maxInFlight }])
  }
})

scenario('a slow backend takes BACKEND_MAX_IN_FLIGHT requests and no more: the others serve the rest at once', async (s, t) => {
  const waiting: Array<() => void> = []
  const slow = await s.origin('slow', (_request, response) => { waiting.push(() => response.end('slow')) })
  const fast = await s.origin('fast')
  const gateway = await s.gateway([slow, fast], { env: { BACKEND_MAX_IN_FLIGHT: '4' } })
  const served: string[] = []
  const calls = Array.from({ length: 30 }, async () => { served.push((await call(gateway.url)).text) })
  await until('all but those of the slow one are served', () => served.length === 26)
  t.strictSame([...new Set(served)], ['fast'])
  t.same([waiting.length, slow.requests.length, gateway.backend(slow).inFlight], [4, 4, 4])
  for (const letGo of waiting) letGo()
  await Promise.all(calls)
  t.equal(served.filter((name) => name === 'slow').length, 4)
})

scenario('with all backends at BACKEND_MAX_IN_FLIGHT a request is refused with 503, and the message names the key', async (s, t) => {
  const waiting: Array<() => void> = []
  const slow = await s.origin('slow', (_request, response) => { waiting.push(() => response.end('slow')) })
  const gateway = await s.gateway([slow], { env: { BACKEND_MAX_IN_FLIGHT: '1', QUEUE_MAX: '0' } })
  const first = call(gateway.url)
  await until('it is under way', () => waiting.length === 1)
  const { status, text } = await call(gateway.url)
  t.match([status, parseObject(text)], [503, { code: 'FL_BACKENDS_FULL', message: /BACKEND_MAX_IN_FLIGHT/ }])
  waiting[0]?.()
  t.equal((await first).status, 200)
})

/** A policy that picks the last backend. */
const lastOne: PolicyFactory = () => {
  let last: Backend | undefined
  return {
    name: 'last-one',
    rebuild: (active) => { last = active.at(-1) },
    pick: () => last
  }
}

function shares (origins: readonly Origin[], answers: ReadonlyArray<{ readonly text: string }>): number[] {
  return origins.map(({ name }) => answers.filter(({ text }) => text === name).length)
}
