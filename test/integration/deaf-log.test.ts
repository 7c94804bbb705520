/** A log that nobody takes any more must harm neither requests nor the end of the gateway. */
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { call, freePort, type Scenario, scenario, until, within } from '../helper.ts'
import { Child } from '../scripts/child.ts'

/** A start, and the times that the gateway gives a log that stands still. */
const BOUND_MS = 20_000

/** More lines than a pipe and its reader hold. */
const REQUESTS = 600

async function start (s: Scenario, workers: string, outputFd?: number): Promise<{ readonly child: Child, readonly url: string }> {
  const [origin, port] = [await s.origin('a'), await freePort()]
  const env = { BACKENDS: origin.url, HOST: '127.0.0.1', PORT: String(port), ADMIN_PORT: 'off', WORKERS: workers }
  const child = new Child(['src/server.ts'], { env, ...(outputFd !== undefined && { outputFd }) })
  s.atEnd(() => child.kill())
  const url = `http://127.0.0.1:${port}`
  await until('it answers', async () => (await call(url).catch(() => undefined))?.status === 200, BOUND_MS)
  return { child, url }
}

for (const workers of ['1', '2']) {
  scenario(`${workers} worker(s), a full disk for the log: requests are served, and SIGTERM ends it`, async (s, t) => {
    const full = openSync('/dev/full', 'w')
    const { child, url } = await start(s, workers, full)
    closeSync(full)
    t.equal((await call(url)).text, 'a')
    const gone = once(child.process, 'exit')
    child.process.kill('SIGTERM')
    t.strictSame(await within('its end', gone, BOUND_MS), [0, null])
  })

  scenario(`${workers} worker(s), a log whose reader has stopped: requests are served, and SIGTERM ends it`, async (s, t) => {
    const { child, url } = await start(s, workers)
    child.process.stdout?.pause()
    for (let i = 0; i < REQUESTS; i += 20) await Promise.all(Array.from({ length: 20 }, async () => await call(`${url}/${'long'.repeat(50)}`)))
    t.equal((await call(url)).text, 'a')
    const gone = once(child.process, 'exit')
    child.process.kill('SIGTERM')
    t.strictSame(await within('its end', gone, BOUND_MS), [0, null])
    child.process.stdout?.resume()
  })
}
