/** Draining with several workers: whoever asks for it and whichever worker hears it, it holds for all of them. */
import type { Test } from 'tap'
import { type Answered, call, type Scenario, scenario, until } from '../helper.ts'
import { type Running, running } from './running.ts'

/** Tells which worker answers, and what it knows of the first backend. */
const PLUGIN = `
import { workerData } from 'node:worker_threads'
export default async (app) => {
  app.addHook('onSend', async (_request, reply) => { reply.header('x-worker', String(workerData.worker)) })
  app.get('/harm/nothing', async () => app.pool.backends[0].status())
}`

async function post (gateway: Running, action: 'drain' | 'undrain', backend: string): Promise<Answered> {
  return await call(`${gateway.adminUrl}/-/${action}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ backend }) })
}

/** Of every worker: who serves two requests, and what it says of the first backend, as soon as it matches. */
async function everyWorker (s: Scenario, t: Test, gateway: Running, names: readonly string[], status: object): Promise<void> {
  const byWorker = await gateway.connections(s, 2)
  for (const agent of [...byWorker.values()].flatMap(([first]) => first ?? [])) {
    const served = [(await call(gateway.url, { agent })).text, (await call(gateway.url, { agent })).text]
    t.strictSame(served.toSorted(), names)
    await until('its status has come', async () => {
      const seen: unknown = JSON.parse((await call(`${gateway.url}/harm/nothing`, { agent })).text)
      return typeof seen === 'object' && seen !== null && Object.entries(status).every(([key, value]) => Reflect.get(seen, key) === value)
    })
  }
}

scenario('the admin side drains a backend in every worker, and brings it back', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await running(s, [a, b], {}, { 'plugins/plugin.mjs': PLUGIN })
  const drained = await post(gateway, 'drain', a.url)
  t.match(JSON.parse(drained.text), { url: a.url, state: 'draining' })
  await everyWorker(s, t, gateway, ['b', 'b'], { state: 'draining', reason: 'draining: asked for on the admin side' })
  await gateway.says('backend has drained')
  t.equal(gateway.of('backend has drained').length, 1)
  t.match(JSON.parse((await post(gateway, 'undrain', a.url)).text), { state: 'up' })
  await everyWorker(s, t, gateway, ['a', 'b'], { state: 'up', reason: 'draining no more: asked for on the admin side' })
  t.equal(gateway.of('backend is drained no more').length, 1)
})

scenario('an answer that one worker gets drains its backend for all, and that is logged once', async (s, t) => {
  const a = await s.origin('a', (_request, response) => { response.setHeader('x-fastlancer-drain', '1').end('a') })
  const b = await s.origin('b')
  const gateway = await running(s, [a, b], {}, { 'plugins/plugin.mjs': PLUGIN })
  await until('it has asked', async () => (await call(gateway.url)).text === 'a')
  await everyWorker(s, t, gateway, ['b', 'b'], { state: 'draining', healthy: true, reason: 'it asks to be drained (x-fastlancer-drain)' })
  await gateway.says('backend has drained')
  t.match(gateway.of('backend is draining'), [{ backend: a.url, state: 'draining' }])
  t.equal(gateway.of('backend is draining').length, 1)
  t.match(await gateway.status(), { pools: [{ backends: [{ state: 'draining', inFlight: 0 }, { state: 'up' }] }] })
})

scenario('a worker that takes the place of another knows who is drained, and why', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const plugin = PLUGIN.replace('export default async (app) => {', "export default async (app) => {\n  app.get('/harm/exit', () => { process.exit(7) })")
  const gateway = await running(s, [a, b], {}, { 'plugins/plugin.mjs': plugin })
  await post(gateway, 'drain', a.url)
  await gateway.says('backend has drained')
  await call(`${gateway.url}/harm/exit`).catch(() => {})
  await gateway.recovered(2, 1)
  await everyWorker(s, t, gateway, ['b', 'b'], { state: 'draining', reason: 'draining: asked for on the admin side' })
})
