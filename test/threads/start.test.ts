/** How several workers start: together, or not at all. */
import { writeFileSync } from 'node:fs'
import { call, freePort, scenario, type Scenario, until } from '../helper.ts'
import type { Child } from '../scripts/child.ts'
import { launch, Running, running } from './running.ts'

scenario('the supervisor says what it does, once, and each worker gives its number', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await running(s, [a, b])
  t.equal((await call(gateway.url)).status, 200)
  t.match(gateway.of('started'), [{ level: 30, address: /^http:\/\/127\.0\.0\.1:\d+$/, backends: 2, workers: 2 }])
  t.equal(gateway.of('backend added').length, 2)
  t.equal(gateway.of('health checks started').length, 1)
  const [request] = await gateway.says('request')
  t.match(request, { status: 200, worker: /^[12]$/ })
  for (const message of ['started', 'backend added', 'backend is up', 'admin side listening']) t.ok(gateway.of(message).every((line) => !('worker' in line)), message)
})

scenario('a plugin that fails in every worker stops the start: exit code 1, the plugin and its reason named once, no stack', async (s, t) => {
  const child = launch(s, { BACKENDS: 'http://127.0.0.1:1' }, { 'plugins/plugin.mjs': 'export default async () => { throw new Error("no database") }' })
  t.equal(await child.exitCode(), 1)
  t.match(child.stderr, /^fastlancer: The plugins in PLUGINS_DIR ".*plugins" could not be loaded: plugin\.mjs: no database\n$/)
  const gateway = new Running(child)
  t.match(gateway.lines.filter(({ level }) => level >= 40), [{ level: 60, msg: /plugin\.mjs: no database/ }])
  t.strictSame(gateway.of('started'), [])
})

scenario('a plugin that ends the process as it is loaded stops the start too', async (s, t) => {
  const child = launch(s, { BACKENDS: 'http://127.0.0.1:1' }, { 'plugins/plugin.mjs': 'export default async () => { process.exit(3) }' })
  t.equal(await child.exitCode(), 1)
  t.match(child.stderr, /^fastlancer: it ended by itself \(exit code 3\)/)
})

scenario('a plugin that fails in one worker does not keep the others from serving, and that one is tried again', async (s, t) => {
  const plugin = `
import { existsSync, writeFileSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
export default async () => {
  if (workerData.worker !== 2 || existsSync('tried')) return
  writeFileSync('tried', '')
  throw new Error('not yet')
}`
  const gateway = await running(s, [await s.origin('a')], {}, { 'plugins/plugin.mjs': plugin })
  t.match(gateway.of('started'), [{ workers: 1 }])
  t.equal((await call(gateway.url)).status, 200)
  t.match(gateway.of('worker ended: it is started anew'), [{ worker: 2, reason: /plugin\.mjs: not yet/, restartInMs: 1_000 }])
  t.match(await gateway.recovered(2, 1), [{ worker: 1, restarts: 0 }, { worker: 2, restarts: 1 }])
})

scenario('every fault of the configuration is named at once, by the supervisor alone', async (s, t) => {
  const child = launch(s, { BACKENDS: 'ftp://x', PORT: '-1', BACKEND: 'x' })
  t.equal(await child.exitCode(), 1)
  t.match(child.stderr, /^fastlancer: Invalid configuration:\n {2}- PORT: "-1".*\n {2}- BACKENDS: "ftp:\/\/x".*\n {2}- BACKEND: /)
  t.equal(new Running(child).lines.length, 1)
})

scenario('a port on which somebody listens is not shared: exit code 1, not even with another gateway that shares its own', async (s, t) => {
  const taken = await s.origin('taken')
  const gateway = await running(s, [taken])
  const [one, other, admin] = [`${taken.port}`, `${gateway.port}`, '0'].map((port, index) =>
    launch(s, { BACKENDS: taken.url, PORT: port, ADMIN_PORT: index === 2 ? `${taken.port}` : 'off' }))
  t.strictSame(await Promise.all([one, other, admin].map(async (child) => await child?.exitCode())), [1, 1, 1])
  for (const child of [one, other]) t.match(child?.stderr, /^fastlancer: Cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*: change HOST and PORT\n$/)
  t.match(admin?.stderr, /EADDRINUSE.*change ADMIN_HOST and ADMIN_PORT/)
})

scenario('of two gateways that start at once on one port, only one gets it', async (s, t) => {
  const taken = await s.origin('a')
  const plugin = `
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
export default async () => { while (!existsSync('go')) await wait(10) }`
  const env = { BACKENDS: taken.url, PORT: String(await freePort()) }
  const [first, second] = [await loading(s, env, plugin), await loading(s, env, plugin)]
  writeFileSync(`${first.cwd}/go`, '')
  await first.says(/"msg":"started"/)
  writeFileSync(`${second.cwd}/go`, '')
  t.equal(await second.exitCode(), 1)
  t.match(second.stderr, /^fastlancer: Cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*: change HOST and PORT\n$/)
  t.equal((await call(new Running(first).url)).status, 200)
})

scenario('/-/ready waits until all workers listen', async (s, t) => {
  const plugin = `
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
export default async () => { while (workerData.worker === 2 && !existsSync('go')) await wait(10) }`
  const origin = await s.origin('a')
  const child = launch(s, { BACKENDS: origin.url }, { 'plugins/plugin.mjs': plugin })
  const gateway = new Running(child)
  await until('the first worker listens', async () => gateway.of('health checks started').length === 1, 20_000)
  const ready = await call(`${gateway.adminUrl}/-/ready`)
  t.equal(ready.status, 503)
  t.match(ready.text, /not listening yet: 1 of 2 workers do/)
  t.match(await gateway.workers(), [{ worker: 1, state: 'listening' }, { worker: 2, state: 'starting' }])
  writeFileSync(`${child.cwd}/go`, '')
  await gateway.says('started')
  await until('ready', async () => (await call(`${gateway.adminUrl}/-/ready`)).status === 200)
  t.equal((await call(gateway.url)).status, 200)
})

/** Has found the port free, and waits for its plugin. */
async function loading (s: Scenario, env: Readonly<Record<string, string>>, plugin: string): Promise<Child> {
  const child = launch(s, env, { 'plugins/plugin.mjs': plugin })
  await child.says(/admin side listening/)
  const { adminUrl } = new Running(child)
  await until('its workers load', async () => (await call(`${adminUrl}/-/ready`)).text.includes('0 of 2 workers'))
  return child
}
