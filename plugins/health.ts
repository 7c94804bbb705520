/**
 * `fastify.health`: active probes, from the moment the gateway listens until it closes, and what has happened to backends. With several
 * threads one of them probes, the supervisor; in the others there is nothing to start or to stop.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { DrainEvent } from '../src/health/drains.ts'
import type { BackendEvent } from '../src/health/events.ts'
import { Monitor } from '../src/health/monitor.ts'
import type { Schedule } from '../src/health/prober.ts'
import { Timeline } from '../src/observe/timeline.ts'
import type { Backend } from '../src/pool/backend.ts'
import { processAfter } from '../src/timing/timeout-queue.ts'
import { backendProbe } from '../src/upstream/probe.ts'
import { probeSettings } from '../src/upstream/probe-settings.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The health checks. In a worker there is nothing to start: the supervisor probes, and has the timeline. */
    readonly health: HealthChecks
  }
}

export interface HealthChecks {
  /** Starts the probes. */
  start (): void
  /** Ends the probes and lets in whoever waits for them. */
  stop (): void
  /** What happened to each backend lately. */
  readonly timeline: Timeline
  /** Notes what somebody else has found out, in this thread or another. In a worker nothing is kept. */
  heard (event: BackendEvent): void
}

export interface HealthOptions {
  /** alone: it probes while the gateway listens; supervisor: from `start` on; worker: it does not probe. Default: alone. */
  readonly role?: 'alone' | 'supervisor' | 'worker'
  /** Told of every change of a backend's state, behind the log. Not in a worker. */
  readonly onChange?: (backend: Backend) => void
}

async function health (fastify: FastifyInstance, { role = 'alone', onChange }: HealthOptions): Promise<void> {
  const { config, pool, log, tls } = fastify
  const timeline = new Timeline()
  if (role === 'worker') {
    fastify.decorate('health', { start: () => {}, stop: () => {}, timeline, heard: () => {} })
    return
  }
  const monitor = new Monitor({
    pool,
    intervalMs: config.HEALTH_INTERVAL_MS,
    downIntervalMs: config.HEALTH_DOWN_INTERVAL_MS,
    jitterRatio: config.HEALTH_JITTER_RATIO,
    timeoutMs: config.HEALTH_TIMEOUT_MS,
    rise: config.HEALTH_RISE,
    fall: config.HEALTH_FALL,
    probe: backendProbe(probeSettings(config), tls),
    schedule: processSchedule,
    wallClockMs: Date.now,
    onChange: logChange,
    onDrain: logDrain
  })
  fastify.decorate('health', { start, stop: () => monitor.stop(), timeline, heard })
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
    timeline.add(backend.url, { atMs: backend.sinceMs, event: backend.healthy ? 'up' : 'down', reason: backend.reason })
    onChange?.(backend)
  }

  function heard ({ slot, event, reason, atMs }: BackendEvent): void {
    const backend = pool.backends[slot]
    if (backend === undefined) return
    pool.verdicts.explain(backend, reason, atMs)
    timeline.add(backend.url, { atMs, event, reason })
    onChange?.(backend)
  }

  function logDrain (backend: Backend, event: DrainEvent, reason: string): void {
    const { url, state, inFlight } = backend
    log.info({ pool: pool.name, backend: url, state, reason, inFlight }, DRAIN_MESSAGES[event])
    timeline.add(url, { atMs: Date.now(), event, reason })
    onChange?.(backend)
  }
}

const DRAIN_MESSAGES: Readonly<Record<DrainEvent, string>> = { draining: 'backend is draining', drained: 'backend has drained', back: 'backend is drained no more' }

const processSchedule: Schedule = {
  after: processAfter,
  nowMs: () => performance.now(),
  random: Math.random
}

export default fp(health, { name: 'fastlancer-health', fastify: '5.x', dependencies: ['fastlancer-config', 'fastlancer-pool', 'fastlancer-upstream-tls'] })
