/** A pool as two threads see it, with ejectors and outlier detection in each, on a clock that the test sets. */
import { type EjectionEvent, type EjectionRules, Ejector } from '../../src/health/ejector.ts'
import { type OutlierRules, Outliers } from '../../src/health/outliers.ts'
import type { Backend } from '../../src/pool/backend.ts'
import { Board } from '../../src/pool/board.ts'
import { Counters } from '../../src/pool/counters.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { NOTE_TRIAL, REASON_EJECTED } from '../../src/pool/slots.ts'
import { madePool } from '../pool/made-pool.ts'

export const STARTED_MS = Date.UTC(2030, 0, 1)

export const EJECTION_RULES: EjectionRules = { baseMs: 1_000, maxMs: 5_000, maxRatio: 0.5 }
export const OUTLIER_RULES: OutlierRules = { failuresInRow: 3, statuses: [500, 503], trialSuccesses: 2 }

/** What one thread has of its own. */
export interface Thread {
  readonly pool: Pool
  readonly board: Board
  readonly ejector: Ejector
  readonly outliers: Outliers
  readonly backend: (slot: number) => Backend
}

export interface TwoThreadsOptions {
  readonly backends?: number
  readonly ejection?: Partial<EjectionRules>
  readonly outlier?: Partial<OutlierRules>
  /** Called each time a thread asks for the time. */
  readonly onClock?: () => void
}

export class TwoThreads {
  /** It judges. */
  readonly one: Thread
  readonly other: Thread
  /** What became of backends, such as `1 ejected`, with the reasons. */
  readonly events: string[] = []
  readonly reasons: string[] = []
  nowMs = STARTED_MS

  constructor (options: TwoThreadsOptions = {}) {
    const capacity = options.backends ?? 4
    const board = new Board({ capacity })
    const counters = new Counters({ capacity, rows: 2 })
    this.one = this.#thread(board, counters, options)
    this.other = this.#thread(new Board({ capacity, memory: board.memory }), new Counters({ capacity, rows: 2, row: 1, memory: counters.memory }), options)
  }

  /** How a backend stands, as both threads see it. */
  state (slot: number): string {
    const reasons = this.one.board.reasons(slot)
    if (reasons !== this.other.board.reasons(slot)) throw new Error('the threads do not agree')
    return [(reasons & REASON_EJECTED) === 0 ? '' : 'ejected', (reasons & NOTE_TRIAL) === 0 ? '' : 'on trial'].filter((word) => word !== '').join(' and ')
  }

  states (): string[] {
    return this.one.pool.backends.map(({ slot }) => this.state(slot))
  }

  /** Time passes, and the thread that judges looks. */
  pass (ms: number): void {
    this.nowMs += ms
    this.one.ejector.endThoseOver()
  }

  #thread (board: Board, counters: Counters, { backends: count = 4, ejection, outlier, onClock }: TwoThreadsOptions): Thread {
    const pool = madePool(Array.from({ length: count }, (_, slot) => `http://${slot}`), { board, counters, nowMs: STARTED_MS })
    const ejector = new Ejector({
      backends: pool.backends,
      board,
      rules: { ...EJECTION_RULES, ...ejection },
      wallClockMs: () => {
        onClock?.()
        return this.nowMs
      },
      onEvent: ({ slot }: Backend, event: EjectionEvent, reason: string) => {
        this.events.push(`${slot} ${event}`)
        this.reasons.push(reason)
      }
    })
    const outliers = new Outliers({ rules: { ...OUTLIER_RULES, ...outlier }, board, counters, ejector })
    return {
      pool,
      board,
      ejector,
      outliers,
      backend: (slot) => {
        const backend = pool.backends[slot]
        if (backend === undefined) throw new Error(`no backend ${slot}`)
        return backend
      }
    }
  }
}
