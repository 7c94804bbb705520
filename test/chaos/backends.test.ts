/** The backends of a play, as processes. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { GATEWAY_CPU, start } from '../../bench/processes.ts'
import { Backend } from '../../chaos/backends/backend.ts'
import { site, SKIP } from '../bench/site-for-tests.ts'
import { call, freePort, until } from '../helper.ts'

async function startBackend (t: Test, fault: string): Promise<{ readonly backend: Backend, readonly url: string }> {
  const folder = site.newFolder('backend')
  const port = await freePort()
  const main = join(import.meta.dirname, '../../chaos/backends/main.ts')
  const args = [main, '--name', 'b', '--host', '127.0.0.1', '--port', String(port), '--fault', fault]
  const backend = new Backend('b', `127.0.0.1:${port}`, () => start(process.execPath, args, { cpu: GATEWAY_CPU, cwd: folder, logFile: join(folder, 'log') }))
  t.teardown(async () => await backend.kill())
  await backend.start()
  return { backend, url: `http://127.0.0.1:${port}` }
}

t.test('a backend that refuses answers again when its fault is over, though nobody was connected meanwhile', { skip: SKIP }, async (t) => {
  const { backend, url } = await startBackend(t, 'refused')
  const refuses = async (): Promise<boolean> => await call(url).then(() => false, () => true)
  backend.signal('SIGUSR2')
  await until('it refuses', refuses)
  backend.signal('SIGHUP')
  await until('it answers', async () => !await refuses())
  t.match(await call(url, { path: '/health' }), { status: 200 })
})

t.test('one that has ended by itself cannot be told anything: the play fails', { skip: SKIP }, async (t) => {
  const { backend } = await startBackend(t, 'none')
  await backend.kill()
  t.throws(() => backend.signal('SIGHUP'), { message: 'b has ended before SIGHUP' })
})
