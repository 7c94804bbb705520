/** Several workers as one gateway: balancing, health, limits and counts are exact over all of them. */
import { call, RawClient, scenario, until } from '../helper.ts'
import { launch, Running, running, workerOf } from './running.ts'

for (const workers of [2, 3]) {
  scenario(`${workers} workers: of n x k requests over many connections each of k backends gets exactly n`, async (s, t) => {
    const origins = [await s.origin('a'), await s.origin('b'), await s.origin('c')]
    const gateway = await running(s, origins, { WORKERS: String(workers) })
    const [connections, perConnection, backends] = [48, 15, origins.length]
    const answers = await Promise.all(Array.from({ length: connections }, async () => {
      const agent = s.agent()
      const seen = []
      for (let i = 0; i < perConnection; i++) seen.push(await call(gateway.url, { agent }))
      return seen
    }))
    const all = answers.flat()
    t.strictSame(origins.map(({ requests }) => requests.length), origins.map(() => connections * perConnection / backends))
    t.equal(new Set(all.map(workerOf)).size, workers, 'each worker had a share')
    t.ok(all.every(({ status }) => status === 200))
    await until('nothing in flight', async () => (await gateway.inFlight()).join() === '0,0,0')
    t.match(await gateway.status(), {
      pools: [{ backends: origins.map(() => ({ requests: connections * perConnection / backends, failures: 0 })) }],
      workers: Array.from({ length: workers }, (_, index) => ({ worker: index + 1, state: 'listening', restarts: 0 }))
    })
    gateway.child.process.kill('SIGTERM')
    t.equal(await gateway.child.exitCode(), 0)
    t.equal(gateway.child.stderr, '')
  })
}

scenario('one prober for all: its verdict holds for every worker, and each tells plugins of the reason', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const plugin = `
import { workerData } from 'node:worker_threads'
export default async (app) => {
  app.addHook('onSend', async (_request, reply) => { reply.header('x-worker', String(workerData.worker)) })
  app.get('/harm/nothing', async () => app.pool.status())
  app.get('/own', async () => ({ admin: app.admin, reasons: app.pool.backends.map(({ reason }) => reason), health: Object.keys(app.health) }))
}`
  const gateway = await running(s, [a, b], { HEALTH_INTERVAL_MS: '30' }, { 'plugins/plugin.mjs': plugin })
  const byWorker = await gateway.connections(s, 2)
  const probesBefore = a.probes
  await until('some probes', () => a.probes >= probesBefore + 5)
  t.ok(Math.abs(a.probes - b.probes) <= 2, 'both are probed as often')
  a.probeStatus = 500
  await gateway.says('backend is down')
  for (const agent of [...byWorker.values()].flatMap(([first]) => first ?? [])) {
    t.same([(await call(gateway.url, { agent })).text, (await call(gateway.url, { agent })).text], ['b', 'b'])
    await until('the reason has come', async () => {
      const { text } = await call(`${gateway.url}/own`, { agent })
      return text === '{"admin":null,"reasons":["answered 500","answered 200"],"health":["start","stop","timeline","heard"]}'
    })
  }
  t.equal(gateway.of('backend is down').length, 1)
  t.equal(gateway.of('backend added').length, 2)
})

scenario('requests that wait for the first probes wait in every worker, and are let in in all of them', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a')
  const { onProbe } = origin
  origin.onProbe = async (exchange) => {
    await mayAnswer
    return onProbe(exchange)
  }
  const child = launch(s, { BACKENDS: origin.url })
  await child.says(/"msg":"started"/)
  const gateway = new Running(child)
  t.match(await call(`${gateway.adminUrl}/-/ready`), { status: 503, text: /first round of probes/ })
  const waiting = Array.from({ length: 16 }, () => call(gateway.url))
  await until('the probe has come', () => origin.probes === 1)
  t.equal(origin.requests.length, 0)
  letAnswer()
  t.ok((await Promise.all(waiting)).every(({ status }) => status === 200))
})

scenario('MAX_CONNECTIONS holds over all workers', async (s, t) => {
  const gateway = await running(s, [await s.origin('a')], { MAX_CONNECTIONS: '6' })
  const clients: RawClient[] = []
  for (let i = 0; i < 6; i++) clients.push(await s.client(gateway))
  const used = new Set<string | undefined>()
  for (const client of clients) {
    client.get('/')
    const { head } = await client.answer()
    used.add(/x-worker: (\d)/.exec(head.raw)?.[1])
  }
  const refused = await s.client(gateway)
  t.match((await refused.answer()).head.raw, /^HTTP\/1\.1 503 /)
  await refused.leave()
  await clients[0]?.leave()
  const next = await until('there is room again', async () => {
    const client = await RawClient.connect(gateway.port)
    client.get('/')
    const { head } = await client.answer()
    if (head.raw.startsWith('HTTP/1.1 200 ')) return client
    await client.leave()
    return undefined
  })
  await next?.leave()
  t.comment(`served by ${used.size} workers`)
})
