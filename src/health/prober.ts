/**
 * Schedules the active probes: all backends at once when it starts, then each at its own phase, exactly one interval after
 * the probe before. The phase is drawn once, so that the probes spread over the interval and stay spread; with jitter each
 * interval is drawn. Time, randomness and the probe itself are passed in.
 */

/** How a probe ended, with the reason as it is logged. */
export interface ProbeOutcome {
  readonly good: boolean
  readonly reason: string
  /** Whether the answer asks for draining: then it says nothing of health. Default: no. */
  readonly drains?: boolean
}

/** Sends one probe; calls `done` at most once, and never after the function that it returned (cancel) was called. A throw is a bad outcome. */
export type Probe<Target> = (target: Target, done: (outcome: ProbeOutcome) => void) => () => void

/** Timers and randomness, as the process has them or as a test does. */
export interface Schedule {
  /** Calls `callback` after `delayMs`; returns the function that prevents it. */
  after (delayMs: number, callback: () => void): () => void
  /** A monotonic clock, in ms. */
  nowMs (): number
  /** From 0 (included) to 1 (not included). */
  random (): number
}

export interface ProberOptions<Target> {
  readonly targets: readonly Target[]
  readonly intervalMs: number
  /** The interval for targets that are down, in ms; default, and for 0: `intervalMs`. */
  readonly downIntervalMs?: number
  /** Whether a target is down, asked when an outcome of it has been told. Default: none is. */
  readonly isDown?: (target: Target) => boolean
  /** Each interval is drawn from within this share above and below, 0 to 1; default 0: it is exact. */
  readonly jitterRatio?: number
  /** The time a probe may take as a whole. */
  readonly timeoutMs: number
  readonly probe: Probe<Target>
  readonly schedule: Schedule
  /** Called with the outcome of every probe. */
  readonly onOutcome: (target: Target, outcome: ProbeOutcome) => void
  /** Called once, when each target has had its first outcome. */
  readonly onFirstRound: () => void
}

/** The longest delay that a timer can hold, in ms. */
const LONGEST_DELAY_MS = 2_147_483_647

export class Prober<Target> {
  readonly #options: ProberOptions<Target>
  /** What is under way for a target: the timer until its next probe, or that probe. */
  readonly #cancels = new Map<Target, () => void>()
  #firstOutcomesMissing = 0
  #running = false
  /** Another one with each start and stop. */
  #run = 0

  constructor (options: ProberOptions<Target>) {
    this.#options = options
  }

  /** Probes every target now, and from then on until `stop`. */
  start (): void {
    if (this.#running) return
    this.#running = true
    this.#run++
    this.#firstOutcomesMissing = this.#options.targets.length
    for (const target of this.#options.targets) {
      if (this.#running) this.#probe(target, true)
    }
  }

  /** Ends what is under way; nothing is called any more. */
  stop (): void {
    this.#running = false
    this.#run++
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
  }

  #probe (target: Target, isFirst: boolean): void {
    const { probe, schedule, timeoutMs } = this.#options
    const startedMs = schedule.nowMs()
    let over = false
    const settle = (outcome: ProbeOutcome): void => {
      if (over || !this.#running) return
      over = true
      cancelTimeout()
      this.#settled(target, outcome, isFirst, startedMs)
    }
    let cancelProbe = (): void => {}
    const cancelTimeout = schedule.after(timeoutMs, () => {
      cancelProbe()
      settle({ good: false, reason: `no answer within ${timeoutMs} ms` })
    })
    try {
      cancelProbe = probe(target, settle)
    } catch (error) {
      // One probe that cannot even be sent must not keep the others from being sent. An error out of `settle` is not the probe's.
      if (over) throw error
      settle({ good: false, reason: `cannot be probed: ${error instanceof Error ? error.message : String(error)}` })
    }
    if (over) return
    this.#cancels.set(target, () => {
      over = true
      cancelTimeout()
      cancelProbe()
    })
  }

  #settled (target: Target, outcome: ProbeOutcome, isFirst: boolean, startedMs: number): void {
    const { schedule, onOutcome, onFirstRound } = this.#options
    const run = this.#run
    try {
      onOutcome(target, outcome)
    } finally {
      // Whoever is told may stop it, and may start it again.
      if (this.#run === run) {
        const delayMs = startedMs + this.#periodMs(target, isFirst) - schedule.nowMs()
        this.#cancels.set(target, schedule.after(Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS), () => this.#probe(target, false)))
      }
    }
    if (this.#run === run && isFirst && --this.#firstOutcomesMissing === 0) onFirstRound()
  }

  /** The time from the beginning of a probe to that of the next one, in ms. */
  #periodMs (target: Target, isFirst: boolean): number {
    const { intervalMs: usualMs, downIntervalMs = 0, isDown, jitterRatio = 0, schedule } = this.#options
    const intervalMs = downIntervalMs > 0 && isDown?.(target) === true ? downIntervalMs : usualMs
    // Half an interval at least, so that the second round does not come on the heels of the first.
    if (isFirst) return intervalMs * (0.5 + schedule.random() / 2)
    return jitterRatio === 0 ? intervalMs : intervalMs * (1 - jitterRatio + 2 * jitterRatio * schedule.random())
  }
}
