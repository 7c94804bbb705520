/** The gateway as one application: what is there by itself, and what can be put into it. */
import t from 'tap'
import { createApp, createSupervisorApp, type SharedParts } from '../src/app.ts'
import { Board } from '../src/pool/board.ts'
import { Counters } from '../src/pool/counters.ts'
import { Gauges } from '../src/pool/gauges.ts'
import { GATEWAY_GAUGES } from '../src/pool/slots.ts'
import { retryBudgetMemory } from '../src/upstream/retry-budget.ts'
import { call, scenario, until } from './helper.ts'

t.test('it loads with the defaults, and takes nothing from the system before it listens', async (t) => {
  const app = createApp()
  t.teardown(() => app.close())
  await app.ready()
  t.same(app.pool.backends.map(({ url }) => url), ['http://localhost:8081', 'http://localhost:8082', 'http://localhost:8083'])
  t.same(app.config.PORT, 8080)
  t.not(app.admin, null)
  t.notOk(app.server.listening)
  t.same(process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')), [])
})

t.test('two gateways do not know each other', async (t) => {
  const [one, other] = [createApp({ env: { BACKENDS: 'http://127.0.0.1:1' } }), createApp({ env: { BACKENDS: 'http://127.0.0.1:2' } })]
  t.teardown(async () => { await Promise.all([one.close(), other.close()]) })
  await Promise.all([one.ready(), other.ready()])
  t.same([one, other].map(({ pool }) => pool.backends[0]?.url), ['http://127.0.0.1:1', 'http://127.0.0.1:2'])
})

scenario('inject proxies too, and starts no probes', async (s, t) => {
  const origin = await s.origin('a')
  const { app } = await s.load([origin])
  const { statusCode, body } = await app.inject({ url: '/x' })
  t.same([statusCode, body], [200, 'a'])
  const posted = await app.inject({ method: 'POST', url: '/y', payload: 'body' })
  t.equal(posted.statusCode, 200)
  t.equal(origin.probes, 0)
})

scenario('plugins of the embedding code are loaded before the proxy route', async (s, t) => {
  const order: string[] = []
  const gateway = await s.gateway([await s.origin()], {
    extend: async (app) => {
      order.push(`pool ${app.hasDecorator('pool')}`, `engine ${app.hasDecorator('engine')}`)
      app.decorate('answerToAll', 42)
      app.addHook('onRequest', async (request) => { order.push(`hook ${request.server.hasDecorator('answerToAll')}`) })
    }
  })
  await call(gateway.url)
  t.same(order, ['pool true', 'engine true', 'hook true'])
})

scenario('a request that comes while the gateway closes, on a connection that was open, is served', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.origin('a', (request, response) => {
    if (request.url === '/slow') void mayAnswer.then(() => response.end('slow'))
    else response.end('fast')
  })
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/slow')
  await until('the request has arrived', () => origin.requests.length === 1)
  const closed = gateway.app.close()
  client.get('/fast')
  await until('the gateway has stopped to listen', () => !gateway.app.server.listening)
  letAnswer()
  t.equal((await client.answer()).body.toString(), 'slow')
  t.equal((await client.answer()).body.toString(), 'fast')
  await client.leave()
  await closed
})

/** What each of two workers shares with the other. */
function twoWorkers (capacity: number): SharedParts[] {
  const [board, counters, gauges] = [new Board({ capacity }), new Counters({ capacity, rows: 3 }), new Gauges({ size: GATEWAY_GAUGES, rows: 3 })]
  const retryBudget = retryBudgetMemory()
  return [1, 2].map((row) => ({
    pool: { board: new Board({ capacity, memory: board.memory }), counters: new Counters({ capacity, rows: 3, row, memory: counters.memory }) },
    gauges: new Gauges({ size: GATEWAY_GAUGES, rows: 3, row, memory: gauges.memory }),
    retryBudget,
    ticketSecret: new Uint8Array(32)
  }))
}

scenario('workers share turns and verdicts, and neither probe nor have an admin side', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const apps = twoWorkers(2).map((shared) => createApp({ env: { BACKENDS: origins.map(({ url }) => url).join() }, shared }))
  s.atEnd(async () => await Promise.all(apps.map(async (app) => await app.close())))
  const urls = await Promise.all(apps.map(async (app) => await app.listen({ host: '127.0.0.1', port: 0 })))
  t.same(apps.map(({ admin }) => admin), [null, null])
  const [one = '', other = ''] = urls
  const served = []
  for (const url of [one, one, other, one, other, other]) served.push((await call(url)).text)
  t.same(served.join(''), 'ababab')
  t.same(apps.map(({ pool }) => pool.backends.map(({ slot }) => pool.counters.requests(slot))), [[3, 3], [3, 3]])
  const backend = apps[0]?.pool.backends[0]
  if (backend !== undefined) apps[0]?.pool.verdicts.judge(backend, false, 'told by the test', 0)
  t.same([(await call(other)).text, (await call(other)).text], ['b', 'b'])
  apps[0]?.health.start()
  t.same(origins.map(({ probes }) => probes), [0, 0])
})

t.test('a supervisor has the pool, the probes and the admin side, and tells of its workers', async (t) => {
  let reason: string | undefined = 'none of them listens'
  const workers = { status: () => [{ worker: 1, state: 'starting', restarts: 0, since: '' } as const], notReadyReason: () => reason }
  const app = createSupervisorApp({ env: { BACKENDS: 'http://127.0.0.1:1' }, workers, rows: 2, onHealthChange: () => {} })
  t.teardown(() => app.close())
  await app.ready()
  t.match((await app.admin?.inject('/-/status'))?.json(), { pools: [{ backends: [{ url: 'http://127.0.0.1:1' }] }], workers: [{ worker: 1, state: 'starting' }] })
  t.match((await app.admin?.inject('/-/ready'))?.json(), { reason: 'none of them listens' })
  reason = undefined
  t.equal((await app.admin?.inject('/-/ready'))?.statusCode, 200)
})
