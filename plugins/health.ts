/**
 * `fastify.health`: active probes, from the moment the gateway listens until it closes. With several threads one of them probes,
 * the supervisor; in the others there is nothing to start or to stop.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Monitor } from '../src/health/monitor.ts'
import type { Schedule } from '../src/health/prober.ts'
import type { Backend } from '../src/pool/backend.ts'
import { processAfter } from '../src/timing/timeout-queue.ts'
import { httpProbe } from '../src/upstream/probe.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The active health checks. In a worker both do nothing: the supervisor probes. */
    readonly health: HealthChecks
  }
}

export interface HealthChecks {
  /** Starts the probes. */
  start (): void
  /** Ends the probes and lets in whoever waits for them. */
  stop (): void
}

export interface HealthOptions {
  /** alone: it probes while the gateway listens; supervisor: from `start` on; worker: it does not probe. Default: alone. */
  readonly role?: 'alone' | 'supervisor' | 'worker'
  /** Told of every change, behind the log. */
  readonly onChange?: (backend: Backend) => void
}

async function health (fastify: FastifyInstance, { role = 'alone', onChange }: HealthOptions): Promise<void> {
  if (role === 'worker') {
    fastify.decorate('health', { start: () => {}, stop: () => {} })
    return
  }
  const { config, pool, log, tls } = fastify
  const monitor = new Monitor({
    pool,
    intervalMs: config.HEALTH_INTERVAL_MS,
    timeoutMs: config.HEALTH_TIMEOUT_MS,
    rise: config.HEALTH_RISE,
    fall: config.HEALTH_FALL,
    probe: httpProbe(config.HEALTH_PATH, tls),
    schedule: processSchedule,
    wallClockMs: Date.now,
    onChange: logChange
  })
  fastify.decorate('health', { start, stop: () => monitor.stop() })
  if (role === 'alone') {
    // The server's own event comes before any connection can be accepted; the hook that starts the probes comes later.
    fastify.server.once('listening', () => pool.gate.close())
    fastify.addHook('onListen', async () => start())
  }
  fastify.addHook('preClose', async () => monitor.stop())

  function start (): void {
    log.info({ path: config.HEALTH_PATH, intervalMs: config.HEALTH_INTERVAL_MS, timeoutMs: config.HEALTH_TIMEOUT_MS }, 'health checks started')
    monitor.start()
  }

  function logChange (backend: Backend): void {
    const details = { pool: pool.name, backend: backend.url, healthy: backend.healthy, reason: backend.reason }
    if (backend.healthy) log.info(details, 'backend is up')
    else log.warn(details, 'backend is down')
    onChange?.(backend)
  }
}

const processSchedule: Schedule = {
  after: processAfter,
  nowMs: () => performance.now(),
  random: Math.random
}

export default fp(health, { name: 'fastlancer-health', fastify: '5.x', dependencies: ['fastlancer-config', 'fastlancer-pool', 'fastlancer-upstream-tls'] })
