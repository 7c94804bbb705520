/** Workers that die under load: they take nothing but their own connections with them, and are replaced. */
import type { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { after, answer, call, type Origin, scenario, type Scenario, until } from '../helper.ts'
import { type Running, running } from './running.ts'

/** Longer than a test: on a slow machine the last collections before there is no memory left may block for seconds. */
const NOT_BLOCKED_MS = '120000'

/** How a worker can die, with what the log says of it, and the time without a sign of life after which it counts as blocked. */
const DEATHS: ReadonlyArray<readonly [how: string, path: string, reason: RegExp, blockedMs: string]> = [
  ['process.exit() of a plugin', '/harm/exit', /it ended by itself \(exit code 7\)/, NOT_BLOCKED_MS],
  ['for want of memory', '/harm/memory', /memory/, NOT_BLOCKED_MS],
  ['with a blocked event loop', '/harm/block', /no sign of life for \d+ s: its event loop is blocked/, '1000']
]

/** Calls over these connections, one after the other on each, until it is told to stop: what became of them. */
class Load {
  readonly failures: string[] = []
  served = 0
  #isOver = false
  readonly #ended: Promise<unknown>

  constructor (url: string, agents: readonly Agent[]) {
    this.#ended = Promise.all(agents.map((agent) => this.#run(url, agent)))
  }

  async stop (): Promise<void> {
    this.#isOver = true
    await this.#ended
  }

  async #run (url: string, agent: Agent): Promise<void> {
    while (!this.#isOver) {
      try {
        const { status } = await call(url, { agent })
        if (status === 200) this.served++
        else this.failures.push(String(status))
      } catch (error) {
        this.failures.push(String(error))
        return
      }
    }
  }
}

async function underLoad (s: Scenario, gateway: Running): Promise<{ doomed: Agent, load: Load }> {
  const byWorker = await gateway.connections(s, 2, 4)
  const [doomed] = byWorker.get(1) ?? []
  if (doomed === undefined) throw new Error('worker 1 has no connection')
  return { doomed, load: new Load(gateway.url, byWorker.get(2) ?? []) }
}

async function assertNothingLeft (gateway: Running, origins: readonly Origin[]): Promise<void> {
  await until('nothing in flight', async () => (await gateway.inFlight()).every((count) => count === 0))
  await until('connections to backends only of the living', () => origins.every(({ connections }) => connections <= 8))
}

for (const [how, path, reason, blockedMs] of DEATHS) {
  scenario(`a worker that dies ${how} loses its own connections alone, and is replaced`, async (s, t) => {
    const origins = [await s.origin('a'), await s.origin('b')]
    const gateway = await running(s, origins, { WORKER_BLOCKED_TIMEOUT_MS: blockedMs, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --max-old-space-size=80` })
    const { doomed, load } = await underLoad(s, gateway)
    await t.rejects(call(`${gateway.url}${path}`, { agent: doomed }))
    const [line] = await gateway.says('worker ended: it is started anew')
    t.match(line, { level: 50, worker: 1, reason, restartInMs: 1_000 })
    t.match(await gateway.recovered(2, 1), [{ worker: 1, restarts: 1 }, { worker: 2, restarts: 0 }])
    await load.stop()
    t.strictSame(load.failures, [])
    t.ok(load.served > 0)
    await gateway.connections(s, 2)
    await assertNothingLeft(gateway, origins)
    t.equal(gateway.of('worker listens again').length, 1)
    gateway.child.process.kill('SIGTERM')
    t.equal(await gateway.child.exitCode(), 0)
  })
}

scenario('what a dead worker had in flight, and its share of MAX_CONNECTIONS, is given back', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', after(mayAnswer, answer()))
  const gateway = await running(s, [origin], { MAX_CONNECTIONS: '20' })
  const byWorker = await gateway.connections(s, 2, 3)
  const [harmed, ...others] = byWorker.get(1) ?? []
  if (harmed === undefined) throw new Error('worker 1 has no connection')
  const lost = others.map((agent) => call(gateway.url, { agent }).catch((error: unknown) => String(error)))
  await until('they are in flight', async () => (await gateway.inFlight()).join() === String(others.length))
  const [kept] = byWorker.get(2) ?? []
  const going = call(gateway.url, { ...(kept !== undefined && { agent: kept }) })
  await until('one more is', async () => (await gateway.inFlight()).join() === String(others.length + 1))
  await t.rejects(call(`${gateway.url}/harm/exit`, { agent: harmed }))
  await until('the one of the living is left', async () => (await gateway.inFlight()).join() === '1')
  t.match(await Promise.all(lost), others.map(() => /ECONNRESET|socket hang up/))
  letAnswer()
  t.equal((await going).status, 200)
  await gateway.recovered(2, 1)
  for (const agent of [...byWorker.values()].flat()) agent.destroy()
  const clients = []
  for (let i = 0; i < 20; i++) clients.push(await s.client(gateway))
  for (const client of clients) client.get('/')
  for (const client of clients) t.match((await client.answer()).head.raw, /^HTTP\/1\.1 200 /)
})

scenario('a process that was stopped for a while takes none of its workers for blocked', async (s, t) => {
  const gateway = await running(s, [await s.origin('a')], { WORKER_BLOCKED_TIMEOUT_MS: '1000' })
  gateway.child.process.kill('SIGSTOP')
  await wait(4_000)
  gateway.child.process.kill('SIGCONT')
  await wait(2_500)
  t.match(await gateway.workers(), [{ state: 'listening', restarts: 0 }, { state: 'listening', restarts: 0 }])
  t.equal((await call(gateway.url)).status, 200)
})

