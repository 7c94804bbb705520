/** Workers in which something unexpected comes up: they finish what they have, and are replaced. */
import { after, answer, call, scenario, until } from '../helper.ts'
import { running } from './running.ts'

for (const [what, path, message] of [['error', '/harm/throw', 'unexpected'], ['rejection', '/harm/reject', 'rejected']] as const) {
  scenario(`an unexpected ${what} in a worker ends that one when its requests are finished`, async (s, t) => {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
    const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'finished' })))
    const gateway = await running(s, [origin])
    const byWorker = await gateway.connections(s, 2, 2)
    const [harmed, waiting] = byWorker.get(1) ?? []
    if (harmed === undefined || waiting === undefined) throw new Error('worker 1 lacks connections')
    const sent = call(gateway.url, { agent: waiting })
    await until('the request is in flight', () => origin.requests.length === 1)
    t.equal((await call(`${gateway.url}${path}`, { agent: harmed })).text, 'on my way')
    t.match(await gateway.says('unexpected error: this worker finishes its requests and is replaced'), [{ level: 60, worker: 1, err: { message } }])
    letAnswer()
    t.match(await sent, { status: 200, text: 'finished' })
    t.match(await gateway.recovered(2, 1), [{ worker: 1, restarts: 1 }, { worker: 2, restarts: 0 }])
    t.match(gateway.of('worker ended: it is started anew'), [{ worker: 1, reason: message }])
    await until('nothing in flight', async () => (await gateway.inFlight()).join() === '0')
  })
}

scenario('a worker that fails and cannot close is ended, and replaced', async (s, t) => {
  const plugin = `
export default async (app) => {
  app.addHook('onClose', () => new Promise(() => {}))
  app.get('/harm/throw', async () => { setImmediate(() => { throw new Error('unexpected') }); return 'on my way' })
}`
  const gateway = await running(s, [await s.origin('a')], { SHUTDOWN_TIMEOUT_MS: '50' }, { 'plugins/plugin.mjs': plugin })
  t.equal((await call(`${gateway.url}/harm/throw`)).text, 'on my way')
  await gateway.recovered(2, 1)
  t.match(gateway.of('worker ended: it is started anew'), [{ reason: 'unexpected' }])
  t.equal(gateway.of('a worker did not end in time: it is ended at once').length, 1)
})

scenario('a worker that hangs in the system is told of, and does not keep the process from ending', async (s, t) => {
  const plugin = `
import { execFileSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
export default async (app) => {
  const pipe = 'pipe-' + workerData.worker
  execFileSync('mkfifo', [pipe])
  app.get('/harm/hang', () => { openSync(pipe, 'r') })
}`
  const gateway = await running(s, [await s.origin('a')], { SHUTDOWN_TIMEOUT_MS: '50', WORKER_BLOCKED_TIMEOUT_MS: '1000' }, { 'plugins/plugin.mjs': plugin })
  const lost = call(`${gateway.url}/harm/hang`).catch(() => undefined)
  const [line] = await gateway.says('a worker cannot be ended: it hangs in the system, as do its connections: restart the gateway')
  t.match(line, { level: 50, reason: /no sign of life/ })
  t.strictSame(new Set((await gateway.workers()).map(({ state }) => state)), new Set(['failed', 'listening']))
  gateway.child.process.kill('SIGTERM')
  t.equal(await gateway.child.exitCode(), null)
  t.match(gateway.of('stopped'), [{ clean: false }])
  await lost
})
