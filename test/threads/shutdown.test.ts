/** How several workers end: together, and nothing is lost. */
import { setTimeout as wait } from 'node:timers/promises'
import { SAME_SIGNAL_MS } from '../../src/signals.ts'
import { after, answer, call, freePort, never, RawClient, scenario, until, upgradeToEcho, within } from '../helper.ts'
import { launch, Running, running } from './running.ts'

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  scenario(`${signal}: requests in flight finish in all workers, new connections are refused, exit code 0`, async (s, t) => {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
    const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'finished' })))
    const gateway = await running(s, [origin])
    const agents = [...(await gateway.connections(s, 2, 3)).values()].flat()
    const waiting = agents.map((agent) => call(gateway.url, { agent }))
    await until('all are in flight', () => origin.requests.length === agents.length)
    gateway.child.process.kill(signal)
    await until('new connections are refused', async () => {
      const client = await RawClient.connect(gateway.port).catch(() => undefined)
      await client?.leave()
      return client === undefined
    })
    t.match(await call(`${gateway.adminUrl}/-/ready`), { status: 503, text: /shutting down/ })
    t.match((await gateway.workers()).map(({ state }) => state), ['stopping', 'stopping'])
    letAnswer()
    t.ok((await Promise.all(waiting)).every(({ status, text }) => status === 200 && text === 'finished'))
    t.equal(await gateway.child.exitCode(), 0)
    t.match(gateway.of('stopping'), [{ signal }])
    t.match(gateway.of('stopped'), [{ clean: true }])
    t.equal(gateway.of('request').filter(({ url }) => url === '/').length, agents.length, 'the last lines of all workers have come')
    t.equal(gateway.child.stderr, '')
  })
}

scenario('under load, an end loses nothing of what was sent on connections that were open', async (s, t) => {
  const gateway = await running(s, [await s.origin('a'), await s.origin('b')])
  const agents = [...(await gateway.connections(s, 2, 4)).values()].flat()
  const problems: string[] = []
  let served = 0
  const load = agents.map(async (agent) => {
    for (;;) {
      try {
        const { status, headers } = await call(gateway.url, { agent })
        if (status === 200) served++
        else problems.push(String(status))
        if (headers.connection === 'close') return
      } catch (error) {
        // A connection that was idle as the end came is closed: what was sent into that is sent again by any client.
        if (!(error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'ECONNREFUSED'))) problems.push(String(error))
        return
      }
    }
  })
  await until('the load runs', () => served > 100)
  gateway.child.process.kill('SIGTERM')
  await Promise.all(load)
  t.equal(await gateway.child.exitCode(), 0)
  t.strictSame(problems, [])
  t.match(gateway.of('stopped'), [{ clean: true }])
  t.ok(gateway.of('request').filter(({ status }) => status === 200).length >= served)
})

scenario('after SHUTDOWN_TIMEOUT_MS what is still in flight is cut in all workers, tunnels too', async (s, t) => {
  const origin = await s.scripted('slow', never, upgradeToEcho())
  const gateway = await running(s, [origin], { SHUTDOWN_TIMEOUT_MS: '150' })
  const [waiting, tunnel] = [await s.client(gateway), await s.client(gateway)]
  waiting.get('/')
  await until('the request is in flight', () => origin.requests.length === 1)
  tunnel.get('/', ['connection: upgrade', 'upgrade: echo'])
  await tunnel.head()
  gateway.child.process.kill('SIGTERM')
  await within('both are cut', Promise.all([waiting.ended, tunnel.ended]))
  t.equal(await gateway.child.exitCode(), 0)
  const cut = gateway.lines.filter(({ level }) => level === 40)
  t.equal(cut.reduce((sum, { inFlight }) => sum + Number(inFlight), 0), 2, 'each worker tells of its own')
  t.match(gateway.of('stopped'), [{ clean: false }])
})

scenario('a worker that does not end is ended, and the end was not clean', async (s, t) => {
  const gateway = await running(s, [await s.origin('a')], { SHUTDOWN_TIMEOUT_MS: '100', WORKER_BLOCKED_TIMEOUT_MS: '0' })
  const client = await s.client(gateway)
  client.get('/harm/nothing')
  const worker = Number(/x-worker: (\d)/.exec((await client.answer()).head.raw)?.[1])
  client.get('/harm/block')
  await until('it is blocked', async () => {
    // One behind the other in the worker's own order: who is not answered any more has come behind it.
    const agents = Array.from({ length: 8 }, () => s.agent())
    const answers = await Promise.all(agents.map(async (agent) => await Promise.race([call(`${gateway.url}/harm/nothing`, { agent }).then(() => true, () => false), wait(500, false)])))
    return answers.includes(false)
  })
  gateway.child.process.kill('SIGTERM')
  t.equal(await gateway.child.exitCode(), 0)
  await client.ended
  t.match(gateway.of('a worker did not end in time: it is ended at once'), [{ level: 50, worker }])
  t.match(gateway.of('stopped'), [{ clean: false }])
})

scenario('a second signal, not right behind the first, ends it at once', async (s, t) => {
  const origin = await s.scripted('slow', never)
  const gateway = await running(s, [origin], { SHUTDOWN_TIMEOUT_MS: '600000' })
  const client = await s.client(gateway)
  client.get('/')
  await until('the request is in flight', () => origin.requests.length === 1)
  gateway.child.process.kill('SIGTERM')
  await gateway.says('stopping')
  await wait(2 * SAME_SIGNAL_MS)
  gateway.child.process.kill('SIGTERM')
  t.equal(await gateway.child.exitCode(), 1)
  await client.ended
  t.match(gateway.of('second SIGTERM, exiting'), [{ level: 50 }])
  t.strictSame(gateway.of('stopped'), [])
})

scenario('a signal that comes when some workers serve and others still load lets the requests in flight finish', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'finished' })))
  const plugin = `
import { workerData } from 'node:worker_threads'
export default async () => { if (workerData.worker === 2) await new Promise(() => {}) }`
  const port = await freePort()
  const child = launch(s, { BACKENDS: origin.url, PORT: String(port) }, { 'plugins/plugin.mjs': plugin })
  const gateway = new Running(child)
  await gateway.says('backend is up')
  const sent = call(`http://127.0.0.1:${port}`)
  await until('the request is in flight', () => origin.requests.length === 1)
  child.process.kill('SIGTERM')
  await gateway.says('stopping')
  letAnswer()
  t.match(await sent, { status: 200, text: 'finished' })
  t.equal(await child.exitCode(), 0)
  t.match(gateway.of('stopped'), [{ clean: true }])
})

for (const times of ['once', 'twice']) {
  scenario(`a signal that comes ${times} while the workers load ends it`, async (s, t) => {
    const child = launch(s, { BACKENDS: 'http://127.0.0.1:1' }, { 'plugins/plugin.mjs': 'export default async () => { console.log("loading"); await new Promise(() => {}) }' })
    await child.says(/admin side listening/)
    child.process.kill('SIGTERM')
    if (times === 'twice') child.process.kill('SIGINT')
    t.equal(await child.exitCode(), 0)
    t.strictSame(new Running(child).of('started'), [])
  })
}
