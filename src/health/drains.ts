/**
 * Watches the backends that are drained, in the thread that judges: tells when one begins to be, whichever thread has found it out, when
 * the last of its attempts is over, and when it is back.
 */
import type { Backend } from '../pool/backend.ts'
import type { Pool } from '../pool/pool.ts'
import { REASON_DRAIN_SELF, REASONS_OF_DRAINING } from '../pool/slots.ts'
import type { Schedule } from './prober.ts'

/**
 * draining: it gets no new request; again if somebody else asks for it too. drained: nothing is in flight any more, told once each time.
 * back: nobody asks for it any more.
 */
export type DrainEvent = 'draining' | 'drained' | 'back'

export interface DrainsOptions {
  readonly pool: Pool
  readonly schedule: Schedule
  /** Now, in ms since the epoch. */
  readonly wallClockMs: () => number
  /** `reason`: why it is what it is; of one that has drained, why that began, whatever its probes have said since. */
  readonly onEvent: (backend: Backend, event: DrainEvent, reason: string) => void
}

/** How often it looks, in ms: requests tell nobody that they are over, so that they need not know of it. */
export const DRAIN_LOOK_INTERVAL_MS = 250

/** What a backend is that asks for it itself. */
const ASKED_REASON = 'it asks to be drained (x-fastlancer-drain)'

export class Drains {
  readonly #options: DrainsOptions
  /** By slot: who asked for it at the last look. */
  readonly #seen: number[]
  /** Those that have still to be told of as drained, with why that began. */
  readonly #busy = new Map<Backend, string>()
  #version = NaN
  #cancel: (() => void) | undefined

  constructor (options: DrainsOptions) {
    this.#options = options
    this.#seen = options.pool.backends.map(() => 0)
  }

  /** Looks now, and from then on until `stop`. */
  start (): void {
    if (this.#cancel === undefined) this.#lookAndGoOn()
  }

  stop (): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Tells who is drained now, and who is not any more. */
  look (): void {
    const { board, backends } = this.#options.pool
    const { version } = board
    if (version === this.#version) return
    this.#version = version
    for (const backend of backends) this.#compare(backend)
  }

  #lookAndGoOn (): void {
    this.#cancel = this.#options.schedule.after(DRAIN_LOOK_INTERVAL_MS, () => this.#lookAndGoOn())
    // First: a thread that has just picked a backend gets the time until the next look to be counted as in flight there.
    this.#tellDrained()
    this.look()
  }

  #tellDrained (): void {
    for (const [backend, reason] of this.#busy) {
      // One that is back since the last look has not drained: the next one tells what it is.
      if (!backend.isDraining || backend.inFlight > 0) continue
      this.#busy.delete(backend)
      this.#options.onEvent(backend, 'drained', reason)
    }
  }

  #compare (backend: Backend): void {
    const { pool, wallClockMs, onEvent } = this.#options
    const before = this.#seen[backend.slot] ?? 0
    const now = backend.reasons & REASONS_OF_DRAINING
    if (now === before) return
    this.#seen[backend.slot] = now
    const fresh = now & ~before
    if (fresh !== 0) {
      // The thread whose answer it was has told nobody.
      if ((fresh & REASON_DRAIN_SELF) !== 0) pool.verdicts.explain(backend, ASKED_REASON, wallClockMs())
      if (before === 0) this.#busy.set(backend, backend.reason)
      onEvent(backend, 'draining', backend.reason)
    } else if (now === 0) {
      this.#busy.delete(backend)
      onEvent(backend, 'back', backend.reason)
    }
  }
}
