/**
 * Passive health of a pool: what becomes of attempts takes backends out for a time. Every thread that makes attempts watches them; one
 * thread, which judges, ends ejections and compares rates of success.
 */
import type { Backend } from '../pool/backend.ts'
import type { Pool } from '../pool/pool.ts'
import { type EjectionEvent, type EjectionRules, Ejector } from './ejector.ts'
import { type OutlierRules, Outliers } from './outliers.ts'
import { standingOut, type Tally } from './success-rates.ts'

export interface PassiveRules extends EjectionRules, OutlierRules {
  /** Whether a backend that fails much more often than the others is ejected. */
  readonly comparesRates: boolean
}

export interface PassiveHealthOptions {
  readonly pool: Pool
  readonly rules: PassiveRules
  /** Now, in ms since the epoch: threads have no other clock in common. */
  readonly wallClockMs: () => number
  /** Called in the thread that changed a backend's state. */
  readonly onEvent: (backend: Backend, event: EjectionEvent, reason: string) => void
}

export class PassiveHealth {
  readonly #options: PassiveHealthOptions
  readonly #ejector: Ejector
  /** What each backend had done at the last comparison. */
  #before: readonly Tally[]

  constructor (options: PassiveHealthOptions) {
    const { pool, rules, wallClockMs, onEvent } = options
    const { backends, board } = pool
    this.#options = options
    this.#ejector = new Ejector({ backends, board, rules, wallClockMs, onEvent })
    this.#before = this.#tallies()
  }

  /** Watches the attempts of this thread. */
  watch (): void {
    const { pool, rules } = this.#options
    pool.watcher = new Outliers({ rules, board: pool.board, counters: pool.counters, ejector: this.#ejector })
  }

  /** Ends ejections whose time is over. To be called several times a second, in one thread. */
  endEjections (): void {
    this.#ejector.endThoseOver()
  }

  /** Ejects backends that have failed much more often than the others since the last call. To be called every ten seconds, in one thread. */
  compareRates (): void {
    if (!this.#options.rules.comparesRates) return
    const now = this.#tallies()
    const since = now.map(({ attempts, failures }, slot) => ({
      attempts: attempts - (this.#before[slot]?.attempts ?? 0),
      failures: failures - (this.#before[slot]?.failures ?? 0)
    }))
    this.#before = now
    const { outliers, threshold } = standingOut(since)
    for (const slot of outliers) this.#ejectForRate(slot, since[slot], threshold)
  }

  #ejectForRate (slot: number, tally: Tally | undefined, threshold: number): void {
    const backend = this.#options.pool.backends[slot]
    if (backend === undefined || tally === undefined || backend.isOnTrial) return
    const percent = (rate: number): string => `${(100 * rate).toFixed(1)}%`
    this.#ejector.eject(backend, `${percent(1 - tally.failures / tally.attempts)} of ${tally.attempts} attempts were good, at least ${percent(threshold)} should have been`)
  }

  #tallies (): readonly Tally[] {
    const { backends, counters } = this.#options.pool
    return backends.map(({ slot }) => ({ attempts: counters.requests(slot), failures: counters.failures(slot) + counters.badAnswers(slot) }))
  }
}
