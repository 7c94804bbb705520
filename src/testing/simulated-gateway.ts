/**
 * A gateway without sockets: its pool, policy, health and attempts are the real ones, on the virtual clock, before modelled backends. It knows
 * of them what it sees itself.
 */
import type { ClientRequest } from '../client/client-side.ts'
import type { Config } from '../config/env-schema.ts'
import { Monitor } from '../health/monitor.ts'
import { PassiveHealth } from '../health/passive.ts'
import type { ProbeOutcome } from '../health/prober.ts'
import type { Backend } from '../pool/backend.ts'
import { Gauges } from '../pool/gauges.ts'
import type { PolicyFactory } from '../pool/policy.ts'
import { Pool } from '../pool/pool.ts'
import { GATEWAY_GAUGES } from '../pool/slots.ts'
import { TimeoutQueue } from '../timing/timeout-queue.ts'
import { passiveRules, retryRules } from '../upstream/configured-rules.ts'
import type { EngineParts } from '../upstream/engine-parts.ts'
import { Hedging } from '../upstream/hedging.ts'
import { requestKey } from '../upstream/request-key.ts'
import { RequestQueue } from '../upstream/request-queue.ts'
import { Retries } from '../upstream/retries.ts'
import { RetryBudget } from '../upstream/retry-budget.ts'
import type { ModelledBackend } from './modelled-backend.ts'
import { ModelledCarriers } from './modelled-carriers.ts'
import { type RequestEnd, SimulatedRequest } from './simulated-request.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface SimulatedGatewayOptions {
  readonly clock: VirtualClock
  /** From 0 (included) to 1 (not included). */
  readonly random: () => number
  readonly backends: readonly ModelledBackend[]
  readonly policy: PolicyFactory
  readonly config: Config
  /** The way to a backend and back, in ms. */
  readonly networkMs: number
}

/** As the plugins of the gateway have it, in ms. */
const EJECTION_LOOK_MS = 100
const RATES_INTERVAL_MS = 10_000
const BUDGET_NOTE_MS = 1_000
const WARM_UP_STEPS = 20
const MAX_WARM_UP_STEP_MS = 1_000

/** Time that no deadline of a simulation ever comes to, in ms. */
const FAR_AWAY_MS = 2_147_483_647

export class SimulatedGateway {
  readonly pool: Pool
  /** Second attempts that were sent while the first might yet be answered. */
  hedges = 0
  readonly #options: SimulatedGatewayOptions
  readonly #budget: RetryBudget
  readonly #parts: EngineParts
  readonly #monitor: Monitor
  readonly #passive: PassiveHealth
  #stops: Array<() => void> = []

  constructor (options: SimulatedGatewayOptions) {
    const { clock, config } = options
    this.#options = options
    this.pool = madePool(options)
    this.#budget = new RetryBudget({
      ratio: config.RETRY_BUDGET_RATIO, minPerSecond: config.RETRY_BUDGET_MIN_PER_S, attempts: () => this.pool.counters.allRequests
    })
    this.#parts = this.#engineParts()
    this.#monitor = this.#madeMonitor()
    this.#passive = new PassiveHealth({ pool: this.pool, rules: passiveRules(config), wallClockMs: clock.wallClockMs, onEvent: () => {} })
  }

  /** Begins to watch its backends. With probes (default) requests wait until the first of these have ended. */
  start (probes = true): void {
    const { clock, random, config } = this.#options
    // Gateways are not started in the same millisecond.
    const phase = random()
    this.pool.counters.scatter(random)
    const every = (intervalMs: number, callback: () => void): void => { this.#stops.push(clock.every(intervalMs, callback, intervalMs * phase)) }
    this.#passive.watch()
    every(EJECTION_LOOK_MS, () => this.#passive.endEjections())
    every(RATES_INTERVAL_MS, () => this.#passive.compareRates())
    every(BUDGET_NOTE_MS, () => this.#budget.note())
    if (config.SLOW_START_MS > 0) every(Math.min(MAX_WARM_UP_STEP_MS, config.SLOW_START_MS / WARM_UP_STEPS), () => { if (this.pool.isWarming) this.pool.refresh() })
    if (!probes) return
    this.pool.gate.close()
    this.#monitor.start()
  }

  stop (): void {
    this.#monitor.stop()
    for (const stop of this.#stops) stop()
    this.#stops = []
  }

  /** Carries a request out; `onEnd` is called once, maybe at once. */
  handle (request: ClientRequest, onEnd: RequestEnd): SimulatedRequest {
    const handled = new SimulatedRequest(this.#parts, request, onEnd)
    handled.start()
    return handled
  }

  #engineParts (): EngineParts {
    const { clock: { nowMs, wallClockMs, after }, random, backends, networkMs, clock, config } = this.#options
    const queue = (timeoutMs: number): TimeoutQueue => new TimeoutQueue(timeoutMs, nowMs, after)
    const queueIfAny = (timeoutMs: number): TimeoutQueue | undefined => timeoutMs === 0 ? undefined : queue(timeoutMs)
    const never = queue(FAR_AWAY_MS)
    return {
      pool: this.pool,
      carriers: backends.map((backend) => new ModelledCarriers({ backend, clock, networkMs })),
      retries: new Retries({ rules: retryRules(config), budget: this.#budget, random, wallClockMs }),
      requestQueue: config.QUEUE_MAX === 0
        ? undefined
        : new RequestQueue({ gauges: new Gauges({ size: GATEWAY_GAUGES }), maxWaiting: config.QUEUE_MAX, timeouts: queue(config.QUEUE_TIMEOUT_MS), hasRoom: () => this.pool.available.length > 0, after }),
      hedging: config.HEDGING === 'on' ? new Hedging() : undefined,
      requestKey: requestKey('path', random),
      sticky: undefined,
      attemptTimeouts: queueIfAny(config.ATTEMPT_TIMEOUT_MS),
      requestTimeouts: queueIfAny(config.REQUEST_TIMEOUT_MS),
      headersTimeouts: queue(config.UPSTREAM_HEADERS_TIMEOUT_MS),
      // Of answers that come whole, to requests without a body, nothing else has a deadline.
      idleTimeouts: never,
      bodyTimeouts: never,
      sendTimeouts: never,
      tunnelTimeouts: never,
      continueTimeouts: never,
      readTrailers: (trailers) => [...trailers],
      maxBodyBytes: 0,
      observer: { attemptFailed: () => {}, answerRefused: () => {}, hedged: () => { this.hedges++ }, clientFailed: () => {}, endedUnseen: () => {} },
      nowMs,
      after
    }
  }

  #madeMonitor (): Monitor {
    const { clock, random, config } = this.#options
    return new Monitor({
      pool: this.pool,
      intervalMs: config.HEALTH_INTERVAL_MS,
      timeoutMs: config.HEALTH_TIMEOUT_MS,
      rise: config.HEALTH_RISE,
      fall: config.HEALTH_FALL,
      probe: (backend, done) => this.#probe(backend, done),
      schedule: clock.schedule(random),
      wallClockMs: clock.wallClockMs,
      onChange: () => {},
      onDrain: () => {}
    })
  }

  /** As long as the process is there its probes are answered, however busy it is, and whatever it says to requests. */
  #probe ({ slot }: Backend, done: (outcome: ProbeOutcome) => void): () => void {
    const { clock, backends, networkMs } = this.#options
    return clock.after(networkMs, () => {
      const mode = backends[slot]?.mode
      if (mode !== 'hangs') done(mode === 'serves' ? { good: true, reason: 'answered 200' } : { good: false, reason: 'no connection' })
    })
  }
}

function madePool ({ clock, random, backends, policy, config }: SimulatedGatewayOptions): Pool {
  return new Pool({
    name: 'simulated',
    backends: backends.map(({ spec }) => spec),
    nowMs: clock.wallClockMs(),
    policy,
    rules: { minGroupRatio: config.PRIORITY_MIN_RATIO, panicRatio: config.PANIC_RATIO },
    random,
    monotonicMs: clock.nowMs,
    wallClockMs: clock.wallClockMs,
    slowStartMs: config.SLOW_START_MS,
    trialInFlight: config.TRIAL_IN_FLIGHT
  })
}
