/** A worker thread: a whole gateway on a port that it shares with the others. It does what the supervisor tells it. */
import { parentPort, workerData } from 'node:worker_threads'
import { createApp, type SharedParts } from '../app.ts'
import { ListenFailedError } from '../errors.ts'
import { createLogger } from '../observe/logger.ts'
import { SharedLines } from '../observe/shared-lines.ts'
import { Board } from '../pool/board.ts'
import { Counters } from '../pool/counters.ts'
import { Gauges } from '../pool/gauges.ts'
import { GATEWAY_GAUGES } from '../pool/slots.ts'
import { shutDown } from '../shutdown.ts'
import { BEAT_INTERVAL_MS, Heartbeats } from './heartbeats.ts'
import { isOrder, isToWorker, type ToSupervisor, type ToWorker, type WorkerOrder } from './messages.ts'

const order: unknown = workerData
if (!isOrder(order) || parentPort === null) throw new Error('src/threads/worker.ts is started by the supervisor alone: run src/server.ts')

const supervisor = parentPort
const { worker, rows, memory, env, isTerminal } = order
const lines = new SharedLines({ fd: 1, rows, row: worker, memory: memory.lines })
const logger = createLogger({ isTerminal, mode: env['NODE_ENV'], lines, worker })
const app = createApp({ env, logger, shared: sharedParts(order), onBackendEvent: (event) => tell({ type: 'backend', event }) })
/** From when on there is an application that has to be closed. */
let isLoaded = false
let isEnding = false

process.on('exit', () => lines.writeLastWords(() => performance.now()))
process.on('uncaughtException', (err) => {
  // What a plugin has left behind is not known. The requests in flight are finished, as with one thread, unless it goes on like this.
  logger.fatal({ err }, isEnding ? 'another unexpected error' : 'unexpected error: this worker finishes its requests and is replaced')
  if (isEnding) process.exit(1)
  void fail(err)
})

const heartbeats = new Heartbeats(rows, memory.heartbeats)
heartbeats.beat(worker)
setInterval(() => heartbeats.beat(worker), BEAT_INTERVAL_MS).unref()

supervisor.on('message', (message: unknown) => { if (isToWorker(message)) obey(message) })

try {
  await app.ready()
  isLoaded = true
  tell({ type: 'ready' })
} catch (error) {
  await fail(error)
}

function obey (message: ToWorker): void {
  switch (message.type) {
    case 'listen':
      listen(message.host, message.port).catch((error: unknown) => { void fail(error) })
      break
    case 'gate':
      if (isLoaded) app.pool.gate.letIn()
      break
    case 'verdict': {
      const backend = isLoaded ? app.pool.backends[message.slot] : undefined
      if (backend !== undefined) app.pool.verdicts.explain(backend, message.reason, message.sinceMs)
      break
    }
    case 'stop':
      if (!isEnding) void stop(message.timeoutMs)
  }
}

async function listen (host: string, port: number): Promise<void> {
  // Fastify's types lack it.
  const options = { host, port, reusePort: true }
  let address: string
  try {
    address = await app.listen(options)
  } catch (error) {
    throw new ListenFailedError(`${host}:${port}`, `${describe(error)}: change HOST and PORT`)
  }
  const bound = app.server.address()
  if (bound === null || typeof bound === 'string') throw new ListenFailedError(`${host}:${port}`, 'no port was given')
  tell({ type: 'listening', address: app.clientTls === null ? address : address.replace('http:', 'https:'), port: bound.port })
}

async function stop (timeoutMs: number): Promise<void> {
  isEnding = true
  const isClean = await shutDown(app, timeoutMs)
  tell({ type: 'stopped', isClean })
  await end(0)
}

async function fail (error: unknown): Promise<void> {
  isEnding = true
  tell({ type: 'failed', reason: describe(error) })
  if (isLoaded) tell({ type: 'stopped', isClean: await shutDown(app, app.config.SHUTDOWN_TIMEOUT_MS) })
  await end(1)
}

/** Whatever plugins have left running ends with the thread. */
async function end (code: number): Promise<never> {
  await lines.drained()
  process.exit(code)
}

function tell (message: ToSupervisor): void {
  supervisor.postMessage(message)
}

function describe (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function sharedParts ({ worker: row, rows: all, capacity, memory: shared, ticketSecret }: WorkerOrder): SharedParts {
  return {
    pool: {
      board: new Board({ capacity, memory: shared.board }),
      counters: new Counters({ capacity, rows: all, row, memory: shared.counters })
    },
    gauges: new Gauges({ size: GATEWAY_GAUGES, rows: all, row, memory: shared.gauges }),
    retryBudget: shared.retryBudget,
    ticketSecret
  }
}
