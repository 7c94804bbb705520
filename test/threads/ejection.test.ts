/** Ejections with several workers: what one finds out holds for all, and the supervisor tells of it. */
import { call, type HttpOrigin, parseObject, scenario, until } from '../helper.ts'
import { type Running, running } from './running.ts'

/** What `/-/timeline` says has happened to the first backend. */
async function events (gateway: Running): Promise<string[]> {
  const { text } = await call(`${gateway.adminUrl}/-/timeline`)
  const { pools } = parseObject(text)
  const [first = ''] = JSON.stringify(pools).split('"url":').slice(1)
  return [...first.matchAll(/"event":"([^"]+)","reason":"([^"]*)"/g)].map(([, event, reason]) => `${event}: ${reason}`)
}

scenario('what one worker ejects is out for the other at once, and comes back for both; the admin side has all of it', async (s, t) => {
  let isBad = true
  const a: HttpOrigin = await s.origin('a', (request, response) => {
    if (isBad) request.socket.destroy()
    else response.end('a')
  })
  const gateway = await running(s, [a, await s.origin('b')], { EJECT_FAILURES: '3', EJECT_MS: '1500', TRIAL_SUCCESSES: '2', HEALTH_INTERVAL_MS: '60000' })
  const byWorker = await gateway.connections(s, 2)
  const [one, other] = [byWorker.get(1)?.[0], byWorker.get(2)?.[0]]
  if (one === undefined || other === undefined) throw new Error('each has a connection')
  await until('the first worker has ejected it', async () => {
    await call(gateway.url, { agent: one })
    return gateway.of('backend is ejected').length > 0
  })
  const before = a.requests.length
  t.equal(before, 3)
  for (let i = 0; i < 6; i++) t.equal((await call(gateway.url, { agent: other })).text, 'b')
  t.equal(a.requests.length, before)
  isBad = false
  t.match(gateway.of('backend is ejected'), [{ level: 40, backend: a.url, worker: 1 }])
  await gateway.says('backend is on trial')
  await until('the other worker has restored it', async () => {
    await call(gateway.url, { agent: other })
    return gateway.of('backend is restored').length > 0
  })
  t.match(gateway.of('backend is restored'), [{ level: 30, worker: 2 }])
  t.strictSame(await until('the timeline has it', async () => {
    const found = await events(gateway)
    return found.length === 4 && found
  }), ['up: answered 200', 'ejected: 3 failures in a row, the last: no whole answer; out for 1500 ms', 'on trial: its time is over', 'restored: 2 good answers'])
  t.match(await gateway.status(), { pools: [{ backends: [{ url: a.url, healthy: true, reason: '2 good answers' }] }] })
})
