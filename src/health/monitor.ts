/** Probes the backends of a pool and tells the pool what follows from it, draining included. */
import type { Backend } from '../pool/backend.ts'
import type { Pool } from '../pool/pool.ts'
import { type DrainEvent, Drains } from './drains.ts'
import { type Probe, type ProbeOutcome, Prober, type Schedule } from './prober.ts'
import { type ThresholdOptions, Thresholds } from './thresholds.ts'

export interface MonitorOptions extends ThresholdOptions {
  readonly pool: Pool
  readonly intervalMs: number
  /** The interval while a backend is down; default, and for 0: `intervalMs`. */
  readonly downIntervalMs?: number
  /** See ProberOptions. */
  readonly jitterRatio?: number
  readonly timeoutMs: number
  readonly probe: Probe<Backend>
  readonly schedule: Schedule
  /** Now, in ms since the epoch. */
  readonly wallClockMs: () => number
  /** Called once a change of health, and for the first verdict. */
  readonly onChange: (backend: Backend) => void
  /** Called when a backend begins to be drained, has drained, or is back, with the reason of that. */
  readonly onDrain: (backend: Backend, event: DrainEvent, reason: string) => void
}

export class Monitor {
  readonly #options: MonitorOptions
  readonly #prober: Prober<Backend>
  readonly #drains: Drains
  readonly #thresholds: ReadonlyMap<Backend, Thresholds>

  constructor (options: MonitorOptions) {
    const { pool, intervalMs, downIntervalMs = 0, jitterRatio = 0, timeoutMs, probe, schedule, wallClockMs, onDrain } = options
    this.#options = options
    this.#thresholds = new Map(pool.backends.map((backend) => [backend, new Thresholds(options)]))
    this.#drains = new Drains({ pool, schedule, wallClockMs, onEvent: onDrain })
    this.#prober = new Prober({
      targets: pool.backends,
      intervalMs,
      downIntervalMs,
      isDown: ({ healthy }) => !healthy,
      jitterRatio,
      timeoutMs,
      probe,
      schedule,
      onOutcome: (backend, outcome) => this.#judge(backend, outcome),
      onFirstRound: () => pool.gate.open()
    })
  }

  /** Starts the probes. Requests wait at the pool's gate, if it is closed, until the first round has ended. */
  start (): void {
    this.#drains.start()
    this.#prober.start()
  }

  /** Ends the probes and lets in whoever waits. */
  stop (): void {
    this.#prober.stop()
    this.#drains.stop()
    this.#options.pool.gate.open()
  }

  #judge (backend: Backend, { good, reason, drains = false }: ProbeOutcome): void {
    const { pool, wallClockMs, onChange } = this.#options
    // Whatever the status of such an answer: it says nothing of health.
    if (drains) return this.#drainAsAsked(backend)
    if (good && pool.verdicts.undrainAsAsked(backend, reason, wallClockMs())) this.#drains.look()
    const healthy = this.#thresholds.get(backend)?.observe(good) ?? good
    if (pool.verdicts.judge(backend, healthy, reason, wallClockMs())) onChange(backend)
  }

  #drainAsAsked (backend: Backend): void {
    this.#options.pool.verdicts.drainAsAsked(backend)
    this.#drains.look()
  }
}
