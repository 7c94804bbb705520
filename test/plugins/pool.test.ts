/** Requests spread over the backends, as clients and backends see it. */
import { call, scenario, type Origin } from '../helper.ts'

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
  const gateway = await s.gateway(origins)
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

function shares (origins: readonly Origin[], answers: ReadonlyArray<{ readonly text: string }>): number[] {
  return origins.map(({ name }) => answers.filter(({ text }) => text === name).length)
}
