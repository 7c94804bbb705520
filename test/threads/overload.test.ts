/** Overload with several workers: each looks after its own event loop. */
import type { Agent } from 'node:http'
import { call, scenario, until } from '../helper.ts'
import { HARMFUL_PLUGIN, running, workerOf } from './running.ts'

/** With a route that blocks the event loop of the worker that serves it, for a moment. */
const PLUGIN = HARMFUL_PLUGIN.replace('app.get(', `app.get('/harm/late', async () => {
    const endMs = performance.now() + 300
    while (performance.now() < endMs);
    return 'late'
  })
  app.get(`)

/** Within that time the event loop of a busy machine is well for two seconds. */
const END_BOUND_MS = 20_000

scenario('a worker whose event loop is late refuses requests; the others serve theirs; the gateway stays ready', async (s, t) => {
  const gateway = await running(s, [await s.origin('a')], { OVERLOAD_LOOP_DELAY_MS: '200' }, { 'plugins/plugin.mjs': PLUGIN })
  const byWorker = await gateway.connections(s, 2)
  const [late, other] = [1, 2].map((worker) => byWorker.get(worker)?.[0])
  await until('worker 1 is overloaded', async () => (await call(`${gateway.url}/harm/late`, keptBy(late))).status === 503)
  const refused = await call(gateway.url, keptBy(late))
  t.same([refused.status, workerOf(refused)], [503, 1])
  const served = await call(gateway.url, keptBy(other))
  t.same([served.text, workerOf(served)], ['a', 2])
  t.equal((await call(`${gateway.adminUrl}/-/ready`)).status, 200)
  t.match(await gateway.says('overloaded: new requests are refused'), [{ worker: 1, level: 40, reason: /OVERLOAD_LOOP_DELAY_MS/ }])
  await until('worker 1 serves again', async () => (await call(gateway.url, keptBy(late))).status === 200, END_BOUND_MS)
  t.match(await gateway.says('no longer overloaded: requests are served again'), [{ worker: 1, level: 30 }])
})

function keptBy (agent: Agent | undefined): { agent: Agent } {
  if (agent === undefined) throw new Error('a worker has no connection')
  return { agent }
}
