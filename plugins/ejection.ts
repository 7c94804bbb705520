/**
 * Passive health: what becomes of attempts takes backends out for a time. With several threads those that make attempts watch them, and
 * the supervisor ends ejections.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type BackendEvent, eventOf } from '../src/health/events.ts'
import { PassiveHealth } from '../src/health/passive.ts'
import { passiveRules } from '../src/upstream/configured-rules.ts'

export interface EjectionOptions {
  /** alone: it watches, and ends ejections; worker: it watches; supervisor: it ends them. Default: alone. */
  readonly role?: 'alone' | 'supervisor' | 'worker'
  /** In a worker: told of what it has found out, behind the log. */
  readonly onEvent?: ((event: BackendEvent) => void) | undefined
}

/** How often it is looked for ejections that are over, in ms. */
const LOOK_INTERVAL_MS = 100

/** How often rates of success are compared, in ms (as Envoy does). */
const RATES_INTERVAL_MS = 10_000

async function ejection (fastify: FastifyInstance, { role = 'alone', onEvent }: EjectionOptions): Promise<void> {
  const { config, health, pool, log } = fastify
  const passive = new PassiveHealth({
    pool,
    rules: passiveRules(config),
    wallClockMs: Date.now,
    onEvent: (backend, event, reason) => happened(eventOf(backend, event, reason, Date.now()))
  })
  if (role !== 'supervisor') passive.watch()
  let stop = (): void => {}
  fastify.addHook('onClose', async () => stop())
  // A supervisor never listens: its workers do.
  if (role !== 'worker') fastify.addHook(role === 'alone' ? 'onListen' : 'onReady', async () => judge())

  function judge (): void {
    const timers = [
      setInterval(() => passive.endEjections(), LOOK_INTERVAL_MS).unref(),
      setInterval(() => passive.compareRates(), RATES_INTERVAL_MS).unref()
    ]
    stop = () => { for (const timer of timers) clearInterval(timer) }
  }

  function happened (event: BackendEvent): void {
    const details = { pool: pool.name, backend: pool.backends[event.slot]?.url, reason: event.reason }
    log[event.event === 'ejected' ? 'warn' : 'info'](details, `backend is ${event.event}`)
    if (role === 'worker') onEvent?.(event)
    else health.heard(event)
  }
}

export default fp(ejection, { name: 'fastlancer-ejection', fastify: '5.x', dependencies: ['fastlancer-config', 'fastlancer-health', 'fastlancer-pool'] })
