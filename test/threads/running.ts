/** The gateway with several workers, as a process of its own, with what tests need to know of it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Answered, call, type LogLine, parseLine, parseObject, type Scenario, until } from '../helper.ts'
import { Child } from '../scripts/child.ts'

/** Slow machines start threads slowly. */
const START_BOUND_MS = 45_000

/** Says which worker answers, and has routes that harm the one that serves them. */
export const HARMFUL_PLUGIN = `
import { workerData } from 'node:worker_threads'
export default async (app) => {
  app.addHook('onSend', async (_request, reply) => { reply.header('x-worker', String(workerData.worker)) })
  app.get('/harm/nothing', async () => 'fine')
  app.get('/harm/throw', async () => { setImmediate(() => { throw new Error('unexpected') }); return 'on my way' })
  app.get('/harm/reject', async () => { void Promise.reject(new Error('rejected')); return 'on my way' })
  app.get('/harm/exit', () => { process.exit(7) })
  app.get('/harm/block', () => { for (;;); })
  app.get('/harm/memory', () => { const all = []; for (;;) all.push(Array.from({ length: 10_000 }, () => ({}))) })
}
`

export type Files = Readonly<Record<string, string>>

/** What `/-/status` says of a worker. */
export interface WorkerSeen {
  readonly worker: number
  readonly state: string
  readonly restarts: number
  readonly since: string
}

/** Starts it in an empty folder, which holds these files and is the working directory. */
export function launch (s: Scenario, env: Readonly<Record<string, string>>, files: Files = {}): Child {
  const folder = mkdtempSync(join(tmpdir(), 'fastlancer-test-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const plugins = 'plugins/plugin.mjs' in files ? { PLUGINS_DIR: join(folder, 'plugins') } : {}
  const child = new Child(['src/server.ts'], { cwd: folder, env: { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', WORKERS: '2', ...plugins, ...env } })
  s.atEnd(() => {
    child.kill()
    rmSync(folder, { recursive: true })
  })
  return child
}

/** Starts it before these backends and waits until it is ready. */
export async function running (s: Scenario, backends: ReadonlyArray<{ readonly url: string }>, env: Readonly<Record<string, string>> = {}, files: Files = { 'plugins/plugin.mjs': HARMFUL_PLUGIN }): Promise<Running> {
  const child = launch(s, { BACKENDS: backends.map(({ url }) => url).join(), ...env }, files)
  await child.says(/"msg":"started"/)
  const gateway = new Running(child)
  await until('it is ready', async () => (await call(`${gateway.adminUrl}/-/ready`)).status === 200, START_BOUND_MS)
  return gateway
}

export class Running {
  readonly child: Child

  constructor (child: Child) {
    this.child = child
  }

  /** All lines of its log so far; fails if one is torn. */
  get lines (): LogLine[] {
    return this.child.stdout.slice(0, this.child.stdout.lastIndexOf('\n') + 1).split('\n').filter((text) => text !== '').map(parseLine)
  }

  of (message: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg === message)
  }

  /** The lines with this message, as soon as there are `count`. */
  async says (message: string, count = 1): Promise<LogLine[]> {
    return await until(`${count} log lines "${message}"`, () => this.of(message).length >= count && this.of(message), START_BOUND_MS) || []
  }

  get url (): string {
    return String(this.of('started')[0]?.['address'])
  }

  get port (): number {
    return Number(new URL(this.url).port)
  }

  get adminUrl (): string {
    return String(this.of('admin side listening')[0]?.['address'])
  }

  async status (): Promise<Record<string, unknown>> {
    return parseObject((await call(`${this.adminUrl}/-/status`)).text)
  }

  async workers (): Promise<WorkerSeen[]> {
    const { workers } = await this.status()
    return Array.isArray(workers) ? workers.filter(isWorker) : []
  }

  /** Attempts in flight, a backend each. */
  async inFlight (): Promise<number[]> {
    const { pools } = await this.status()
    return JSON.stringify(pools).match(/(?<="inFlight":)-?\d+/g)?.map(Number) ?? []
  }

  /** Waits until each of `count` workers listens, with so many restarts in sum. */
  async recovered (count: number, restarts: number): Promise<WorkerSeen[]> {
    return await until('all workers listen again', async () => {
      const workers = await this.workers()
      const isWhole = workers.filter(({ state }) => state === 'listening').length === count
      return isWhole && workers.reduce((sum, worker) => sum + worker.restarts, 0) === restarts && workers
    }, START_BOUND_MS) || []
  }

  /** Kept connections, `each` or more to every one of `count` workers, by the worker's number. */
  async connections (s: Scenario, count: number, each = 1): Promise<Map<number, Agent[]>> {
    const found = new Map(Array.from({ length: count }, (_, index): [number, Agent[]] => [index + 1, []]))
    while ([...found.values()].some(({ length }) => length < each)) {
      const agent = s.agent()
      found.get(workerOf(await call(`${this.url}/harm/nothing`, { agent })))?.push(agent)
    }
    return found
  }
}

/** The worker that has answered. */
export function workerOf ({ headers }: Answered): number {
  return Number(headers['x-worker'])
}

function isWorker (value: unknown): value is WorkerSeen {
  return typeof value === 'object' && value !== null && 'worker' in value && 'state' in value && 'restarts' in value
}
