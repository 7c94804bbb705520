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
