/** The queue of requests with several workers: one bound for all, and places that another worker has made. */
import { call, parseObject, scenario, until } from '../helper.ts'
import { running } from './running.ts'

scenario('QUEUE_MAX holds over all workers, and a place that one makes is found by the other', async (s, t) => {
  const waiting: Array<() => void> = []
  const a = await s.origin('a', (request, response) => {
    if (request.url === '/held') waiting.push(() => response.end('held'))
    else response.end('a')
  })
  const gateway = await running(s, [{ url: `${a.url} max=1` }], { QUEUE_MAX: '1', QUEUE_TIMEOUT_MS: '20000' })
  const byWorker = await gateway.connections(s, 2, 2)
  const [one1, one2, other1, other2] = [...byWorker.get(1) ?? [], ...byWorker.get(2) ?? []]
  if (one1 === undefined || one2 === undefined || other1 === undefined || other2 === undefined) throw new Error('each has two connections')
  const held = call(`${gateway.url}/held`, { agent: one1 })
  await until('the place is taken', () => waiting.length === 1)
  // Of these one waits, and the other one is told that there is no room: which is which is chance.
  const both = [call(gateway.url, { agent: other1 }), call(gateway.url, { agent: other2 })]
  const refused = await Promise.race(both)
  t.strictSame([refused.status, parseObject(refused.text)['code']], [503, 'FL_BACKENDS_FULL'])
  t.equal((await call(gateway.url, { agent: one2 })).status, 503, 'in the other worker too')
  waiting[0]?.()
  t.equal((await held).text, 'held')
  t.strictSame((await Promise.all(both)).map(({ status }) => status).toSorted((x, y) => x - y), [200, 503])
  t.equal((await call(gateway.url, { agent: one2 })).text, 'a')
})
