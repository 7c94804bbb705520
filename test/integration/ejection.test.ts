/** Backends that are taken out for a time because of their answers, and how they come back. */
import { mock } from 'node:test'
import {
  afterBody, answer, type Behaviour, call, cutBody, endInstead, type Gateway, never, parseObject, type RawClient, scenario, sendBytes, until, upgradeToEcho
} from '../helper.ts'

/** Never over within a test. */
const LONG = { EJECT_FAILURES: '3', EJECT_MS: '60000' }

/** So many requests come to each of two backends in their turn. */
async function requests (gateway: Gateway, each: number, method = 'GET'): Promise<void> {
  for (let i = 0; i < 2 * each; i++) await call(gateway.url, { method }).catch(() => {})
}

const ejections = ({ logs }: Gateway): unknown[] => logs.of('backend is ejected').map(({ backend, reason }) => [backend, reason])

const FAULTS: ReadonlyArray<readonly [what: string, behaviour: Behaviour, env: Readonly<Record<string, string>>]> = [
  ['closes its connections', afterBody(endInstead('fin')), {}],
  ['resets its connections', afterBody(endInstead('reset')), {}],
  ['answers too late', never, { UPSTREAM_HEADERS_TIMEOUT_MS: '40' }],
  ['takes too long as a whole', never, { ATTEMPT_TIMEOUT_MS: '40' }],
  ['answers rubbish', sendBytes('rubbish\r\n\r\n'), {}],
  ['cuts its answers', cutBody('half', 10), {}],
  ['falls silent within its answers', sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'), { UPSTREAM_IDLE_TIMEOUT_MS: '40' }]
]

for (const [what, behaviour, env] of FAULTS) {
  scenario(`a backend that ${what} is out after as many failures in a row as are allowed`, async (s, t) => {
    const [bad, b] = [await s.scripted('bad', behaviour), await s.scripted('b')]
    const gateway = await s.gateway([bad, b], { env: { ...LONG, ...env } })
    await requests(gateway, 2)
    t.strictSame(ejections(gateway), [])
    await requests(gateway, 5)
    t.strictSame(ejections(gateway), [[bad.url, '3 failures in a row, the last: no whole answer; out for 60000 ms']])
    t.match(gateway.logs.of('backend is ejected'), [{ level: 40, pool: 'default' }])
    t.equal(bad.requests.length, 3)
  })
}

scenario('a backend that refuses connections is out before its probes have found it out', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([a, b], { env: LONG })
  await a.stop()
  await requests(gateway, 5)
  t.match(ejections(gateway), [[a.url, /^3 failures in a row/]])
  t.match(gateway.app.pool.status().backends, [{ requests: 3, failures: 3, healthy: true }, { requests: 10, failures: 0 }])
})

scenario('as it comes, five failures in a row eject', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('bad', endInstead('fin')), await s.scripted('b')])
  await requests(gateway, 4)
  t.strictSame(ejections(gateway), [])
  await requests(gateway, 1)
  t.match(ejections(gateway), [[/./, /^5 failures in a row.* out for 10000 ms$/]])
})

scenario('answers of EJECT_STATUSES are failures, and are passed on; others are not', async (s, t) => {
  const [a, b] = [await s.scripted('a', answer({ status: 500, body: 'sorry' })), await s.scripted('b', answer({ status: 404, body: 'none' }))]
  const gateway = await s.gateway([a, b], { env: { ...LONG, EJECT_STATUSES: '5xx' } })
  for (let i = 0; i < 3; i++) t.strictSame([(await call(gateway.url)).text, (await call(gateway.url)).text], ['sorry', 'none'])
  t.strictSame(ejections(gateway), [[a.url, '3 failures in a row, the last: answered 500; out for 60000 ms']])
  t.match(gateway.app.pool.status().backends, [{ failures: 0 }, { failures: 0 }])
})

scenario('a good answer between failures forgives them', async (s, t) => {
  const bad = answer({ status: 500 })
  const a = await s.scripted('a', bad, bad, answer(), bad, bad, answer(), bad, bad, answer())
  const gateway = await s.gateway([a, await s.scripted('b')], { env: { ...LONG, EJECT_STATUSES: '500' } })
  await requests(gateway, 9)
  t.strictSame([ejections(gateway), a.requests.length], [[], 9])
})

scenario('never more than EJECT_MAX_RATIO of the backends are out', async (s, t) => {
  for (const [ratio, most] of [['0.5', 2], ['0.2', 0], ['1', 4]] as const) {
    const origins = [await s.scripted('a', endInstead('fin')), await s.scripted('b', endInstead('fin')), await s.scripted('c', endInstead('fin')), await s.scripted('d', endInstead('fin'))]
    const gateway = await s.gateway(origins, { env: { EJECT_FAILURES: '1', EJECT_MS: '60000', EJECT_MAX_RATIO: ratio } })
    for (let i = 0; i < 6; i++) t.equal((await call(gateway.url)).status, 502)
    t.equal(ejections(gateway).length, most)
  }
})

scenario('EJECT_FAILURES=0: failures in a row do not eject', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', endInstead('fin')), await s.scripted('b')], { env: { EJECT_FAILURES: '0' } })
  await requests(gateway, 10)
  t.strictSame(ejections(gateway), [])
})

scenario('a client that leaves, or that sends rubbish, is not held against a backend', async (s, t) => {
  const [a, b] = [await s.scripted('a', never), await s.scripted('b', never)]
  const gateway = await s.gateway([a, b], { env: { EJECT_FAILURES: '1' } })
  for (const [before, rubbish] of ['', 'rubbish\r\n'].entries()) {
    const client = await s.client(gateway)
    client.send('PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n')
    await until('it has come', () => a.requests.length + b.requests.length > before)
    client.send(rubbish)
    if (rubbish !== '') t.equal((await client.answer()).status, 400)
    await client.leave()
    await until('it is over', () => gateway.inFlight === 0)
  }
  t.strictSame(ejections(gateway), [])
  t.match(gateway.app.pool.status().backends, [{ failures: 0 }, { failures: 0 }])
})

for (const method of ['GET', 'POST']) {
  scenario(`a kept connection that the backend closes as a ${method} comes is not held against it`, async (s, t) => {
    const a = await s.scripted('a', answer({ body: '1' }), endInstead('fin'), answer({ body: '2' }))
    const gateway = await s.gateway([a, await s.scripted('b')], { env: { EJECT_FAILURES: '1' } })
    await requests(gateway, 3, method)
    t.strictSame(ejections(gateway), [])
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }])
    t.match(gateway.logs.of('proxy error'), [{ retry: method === 'GET' ? 'same-backend' : 'no' }])
  })
}

scenario('an answer that is cut on a kept connection is', async (s, t) => {
  const a = await s.scripted('a', answer({ body: '1' }), cutBody('half', 10, 'reset'))
  const gateway = await s.gateway([a, await s.scripted('b')], { env: { EJECT_FAILURES: '1' } })
  await requests(gateway, 2)
  t.match(ejections(gateway), [[a.url, /^1 failures in a row/]])
  t.match(gateway.app.pool.status().backends, [{ failures: 1 }])
})

scenario('when its time is over it gets one request at a time, and is back after TRIAL_SUCCESSES good answers', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const held: Behaviour = async (exchange) => {
    await mayAnswer
    await answer({ body: 'a' })(exchange)
  }
  const [a, b] = [await s.scripted('a', endInstead('fin'), endInstead('fin'), held), await s.scripted('b')]
  const gateway = await s.gateway([a, b], { admin: true, env: { EJECT_FAILURES: '2', EJECT_MS: '100', TRIAL_SUCCESSES: '2' } })
  await requests(gateway, 2)
  await gateway.logs.wait('backend is on trial')
  const answers = Array.from({ length: 6 }, () => call(gateway.url))
  await until('the others are served', () => b.requests.length === 4 + 5)
  t.strictSame([a.requests.length, gateway.backend(a).inFlight], [3, 1])
  letAnswer()
  t.strictSame((await Promise.all(answers)).map(({ text }) => text).toSorted(), ['a', 'b', 'b', 'b', 'b', 'b'])
  t.equal(gateway.logs.of('backend is restored').length, 0)
  await requests(gateway, 2)
  t.match(await gateway.logs.wait('backend is restored'), [{ level: 30, backend: a.url, reason: '2 good answers' }])
  t.match(parseObject((await call(`${gateway.adminUrl}/-/timeline`)).text), {
    pools: [{
      name: 'default',
      backends: [
        {
          url: a.url,
          events: [
            { event: 'up', reason: 'answered 200', at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
            { event: 'ejected', reason: /^2 failures in a row.* out for 100 ms$/ },
            { event: 'on trial', reason: 'its time is over' },
            { event: 'restored', reason: '2 good answers' }
          ]
        },
        { url: b.url, events: [{ event: 'up' }] }
      ]
    }]
  })
})

const UPGRADE = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n'

scenario('a backend comes back from an ejection though tunnels of before are open, and by tunnels that stay open', async (s, t) => {
  const a = await s.scripted('a', upgradeToEcho(), answer({ status: 500 }), upgradeToEcho(), upgradeToEcho(), answer({ body: 'a' }))
  const gateway = await s.gateway([a, await s.scripted('b')], { env: { EJECT_FAILURES: '1', EJECT_STATUSES: '500', EJECT_MS: '60', TRIAL_SUCCESSES: '2' } })
  const clients: RawClient[] = []
  const upgraded = async (): Promise<void> => {
    const client = await s.client(gateway)
    clients.push(client)
    client.send(UPGRADE)
    await client.answer()
  }
  await upgraded()
  await requests(gateway, 1)
  await gateway.logs.wait('backend is on trial')
  // Half of them go to the other backend, which answers 200.
  for (let i = 0; i < 4; i++) await upgraded()
  t.match(await gateway.logs.wait('backend is restored'), [{ backend: a.url, reason: '2 good answers' }])
  t.match(gateway.app.pool.status().backends, [{ state: 'up', inFlight: 3 }])
  for (const client of clients) await client.leave()
})

scenario('a failure on trial ejects at once, for twice as long', async (s, t) => {
  const a = await s.scripted('a', endInstead('fin'))
  const gateway = await s.gateway([a, await s.scripted('b')], { env: { EJECT_FAILURES: '2', EJECT_MS: '1000', TRIAL_SUCCESSES: '2' } })
  await requests(gateway, 2)
  await gateway.logs.wait('backend is on trial')
  await requests(gateway, 1)
  t.strictSame(ejections(gateway).at(-1), [a.url, 'failed on trial: no whole answer; out for 2000 ms'])
  await gateway.logs.wait('backend is on trial', 2)
})

scenario('of five backends the one that fails much more often than the others is out when ten seconds are over', async (s, t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let count = 0
  const worse = await s.origin('worse', (_request, response) => { response.writeHead(count++ % 2 === 0 ? 500 : 200).end() })
  const origins = [await s.origin('a'), await s.origin('b'), worse, await s.origin('d'), await s.origin('e')]
  const gateway = await s.gateway(origins, { env: { EJECT_STATUSES: '500', EJECT_MS: '60000' } })
  const agent = s.agent(8)
  await Promise.all(Array.from({ length: 5 * 120 }, () => call(gateway.url, { agent })))
  mock.timers.tick(9_999)
  t.strictSame(ejections(gateway), [])
  mock.timers.tick(1)
  t.match(ejections(gateway), [[worse.url, /^50\.0% of 120 attempts were good, at least \d\d\.\d% should have been; out for 60000 ms$/]])
  await Promise.all(Array.from({ length: 20 }, () => call(gateway.url, { agent })))
  t.equal(worse.requests.length, 120)
})
