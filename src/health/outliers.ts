/**
 * Watches what becomes of attempts, in each thread for itself and with counts that all threads share: so many failures of a backend in a
 * row, or one of a backend on trial, and it is ejected. An attempt that was given up, because its client left, says nothing.
 */
import type { Backend } from '../pool/backend.ts'
import type { Board } from '../pool/board.ts'
import type { Counters } from '../pool/counters.ts'
import { type AttemptResult, RESULT_FAILED, RESULT_UNKNOWN, SWITCHED } from '../pool/policy.ts'
import type { Ejector } from './ejector.ts'

export interface OutlierRules {
  /** Failures in a row that eject a backend; 0: they do not. */
  readonly failuresInRow: number
  /** Statuses of whole answers that count as failures. */
  readonly statuses: readonly number[]
  /** Good answers in a row that bring a backend on trial back. */
  readonly trialSuccesses: number
}

export interface OutlierOptions {
  readonly rules: OutlierRules
  readonly board: Board
  readonly counters: Counters
  readonly ejector: Ejector
}

const MAX_STATUS = 999

export class Outliers {
  readonly #options: OutlierOptions
  /** By status: whether it counts as a failure. */
  readonly #isBad = new Uint8Array(MAX_STATUS + 1)

  constructor (options: OutlierOptions) {
    this.#options = options
    for (const status of options.rules.statuses) this.#isBad[status] = 1
  }

  /** Called for every attempt that is over. */
  attemptEnded (backend: Backend, result: AttemptResult): void {
    // The end of a tunnel says nothing: all of them end when a backend dies.
    if (result === RESULT_UNKNOWN || result === SWITCHED) return
    if (result === RESULT_FAILED) return this.#failed(backend, 'no whole answer')
    if (this.#isBad[result] === 1) {
      this.#options.counters.badAnswer(backend.slot)
      return this.#failed(backend, `answered ${result}`)
    }
    this.#answeredWell(backend)
  }

  /** Called for every attempt that has become a tunnel: that is a good answer. The tunnel takes no place of a trial: it may last for days. */
  switched (backend: Backend): void {
    const { board } = this.#options
    const aside = board.aside(backend.slot)
    if (backend.isOnTrial) board.setAside(backend.slot, aside, aside + 1)
    this.#answeredWell(backend)
  }

  #answeredWell (backend: Backend): void {
    this.#options.board.forgetFailures(backend.slot)
    if (backend.isOnTrial) this.#passed(backend)
  }

  #failed (backend: Backend, what: string): void {
    const { board, ejector, rules: { failuresInRow } } = this.#options
    if (backend.isOnTrial) {
      // Where too many are out already its trial begins anew.
      if (!ejector.eject(backend, `failed on trial: ${what}`)) board.forgetCounts(backend.slot)
      return
    }
    if (failuresInRow === 0) return
    const failures = board.countFailure(backend.slot)
    if (failures >= failuresInRow) ejector.eject(backend, `${failures} failures in a row, the last: ${what}`)
  }

  #passed (backend: Backend): void {
    const { board, ejector, rules: { trialSuccesses } } = this.#options
    const successes = board.countSuccess(backend.slot)
    if (successes >= trialSuccesses) ejector.restore(backend, `${successes} good answers`)
  }
}
