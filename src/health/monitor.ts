/** Probes the backends of a pool and tells the pool what follows from it. */
import type { Backend } from '../pool/backend.ts'
import type { Pool } from '../pool/pool.ts'
import { type Probe, type ProbeOutcome, Prober, type Schedule } from './prober.ts'
import { type ThresholdOptions, Thresholds } from './thresholds.ts'

export interface MonitorOptions extends ThresholdOptions {
  readonly pool: Pool
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly probe: Probe<Backend>
  readonly schedule: Schedule
  /** Now, in ms since the epoch. */
  readonly wallClockMs: () => number
  /** Called once a change of health, and for the first verdict. */
  readonly onChange: (backend: Backend) => void
}

export class Monitor {
  readonly #options: MonitorOptions
  readonly #prober: Prober<Backend>
  readonly #thresholds: ReadonlyMap<Backend, Thresholds>

  constructor (options: MonitorOptions) {
    const { pool, intervalMs, timeoutMs, probe, schedule } = options
    this.#options = options
    this.#thresholds = new Map(pool.backends.map((backend) => [backend, new Thresholds(options)]))
    this.#prober = new Prober({
      targets: pool.backends,
      intervalMs,
      timeoutMs,
      probe,
      schedule,
      onOutcome: (backend, outcome) => this.#judge(backend, outcome),
      onFirstRound: () => pool.gate.open()
    })
  }

  /** Starts the probes. Requests wait at the pool's gate, if it is closed, until the first round has ended. */
  start (): void {
    this.#prober.start()
  }

  /** Ends the probes and lets in whoever waits. */
  stop (): void {
    this.#prober.stop()
    this.#options.pool.gate.open()
  }

  #judge (backend: Backend, { good, reason }: ProbeOutcome): void {
    const { pool, wallClockMs, onChange } = this.#options
    const healthy = this.#thresholds.get(backend)?.observe(good) ?? good
    if (pool.judge(backend, healthy, reason, wallClockMs())) onChange(backend)
  }
}
