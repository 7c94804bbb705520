/** `npm start`: reads the environment, opens the gateway, in one thread or several, and closes it on a signal. */
import { availableParallelism } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { createApp } from './app.ts'
import { readEnvFile, readEnvironment } from './config/environment.ts'
import { ListenFailedError } from './errors.ts'
import { createLogger } from './observe/logger.ts'
import { SharedLines } from './observe/shared-lines.ts'
import { shutDown } from './shutdown.ts'
import { type EndCause, endOrderly } from './signals.ts'
import { Supervisor } from './threads/supervisor.ts'
import { workerCount } from './threads/worker-count.ts'

const envFile = readEnvFile()
const env = readEnvironment(envFile)
const isTerminal = process.stdout.isTTY
const count = workerCount(env['WORKERS'], availableParallelism())
const lines = new SharedLines({ fd: 1, rows: count > 1 ? count + 1 : 1, row: 0 })
const logger = createLogger({ isTerminal, mode: env['NODE_ENV'], lines })
const supervisor = count === 1 ? undefined : new Supervisor({ env, envFile, logger, lines, count, isTerminal })
const app = supervisor?.app ?? createApp({ env, envFile, logger })

let isStarted = false

process.on('exit', () => lines.writeLastWords(() => performance.now()))

// Before anything is started: the first process of a container is not ended by a signal that it does not handle.
endOrderly({ logger, finish })

try {
  await start(app)
  isStarted = true
} catch (error) {
  await fail(error)
}

async function finish (cause: EndCause): Promise<void> {
  if ('error' in cause) logger.fatal({ err: cause.error }, 'stopping: unexpected error')
  else logger.info(cause, 'stopping')
  // Before the last worker is loaded others may serve already.
  if (!isStarted && (supervisor === undefined || supervisor.listening === 0)) return
  const isClean = await (supervisor === undefined ? shutDown(app, app.config.SHUTDOWN_TIMEOUT_MS) : supervisor.stop())
  logger.info({ clean: isClean }, 'stopped')
  await lines.drained()
  // It would wait for that thread for ever.
  if (supervisor?.isStuck === true) process.kill(process.pid, 'SIGKILL')
}

async function start (gateway: FastifyInstance): Promise<void> {
  await gateway.ready()
  const { config, admin, pool } = gateway
  pool.counters.scatter(Math.random)
  if (admin !== null) {
    const address = await listen(admin, config.ADMIN_HOST, Number(config.ADMIN_PORT), 'ADMIN_HOST and ADMIN_PORT')
    logger.info({ address }, 'admin side listening')
  }
  const backends = pool.backends.length
  if (supervisor !== undefined) {
    const address = await supervisor.start()
    logger.info({ address, backends, workers: supervisor.listening, node: process.version }, 'started')
    return
  }
  const address = await listen(gateway, config.HOST, config.PORT, 'HOST and PORT')
  logger.info({ address: gateway.clientTls === null ? address : address.replace('http:', 'https:'), backends, node: process.version }, 'started')
}

async function listen (instance: FastifyInstance, host: string, port: number, keys: string): Promise<string> {
  try {
    return await instance.listen({ host, port })
  } catch (error) {
    throw new ListenFailedError(`${host}:${port}`, `${error instanceof Error ? error.message : String(error)}: change ${keys}`)
  }
}

/** Nothing stays half started: all is closed, the reason is told, the exit code is 1. */
async function fail (error: unknown): Promise<never> {
  const message = error instanceof Error ? error.message : String(error)
  logger.fatal(message)
  // Whoever started it reads standard error; the log may go elsewhere.
  if (!isTerminal) process.stderr.write(`fastlancer: ${message}\n`)
  await (supervisor === undefined ? app.close() : supervisor.abandon()).catch(() => {})
  await lines.drained()
  process.exit(1)
}
