/**
 * Schedules the active probes: all backends at once when it starts, then each at its own phase, exactly one interval after
 * the probe before. The phase is drawn once, so that the probes spread over the interval and stay spread. Time, randomness
 * and the probe itself are passed in.
 */

/** How a probe ended, with the reason as it is logged. */
export interface ProbeOutcome {
  readonly good: boolean
  readonly reason: string
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
  /** The time a probe may take as a whole. */
  readonly timeoutMs: number
  readonly probe: Probe<Target>
  readonly schedule: Schedule
  /** Called with the outcome of every probe. */
  readonly onOutcome: (target: Target, outcome: ProbeOutcome) => void
  /** Called once, when each target has had its first outcome. */
  readonly onFirstRound: () => void
}

export class Prober<Target> {
  readonly #options: ProberOptions<Target>
  /** What is under way for a target: the timer until its next probe, or that probe. */
  readonly #cancels = new Map<Target, () => void>()
  #firstOutcomesMissing = 0
  #running = false

  constructor (options: ProberOptions<Target>) {
    this.#options = options
  }

  /** Probes every target now, and from then on until `stop`. */
  start (): void {
    if (this.#running) return
    this.#running = true
    this.#firstOutcomesMissing = this.#options.targets.length
    for (const target of this.#options.targets) {
      if (this.#running) this.#probe(target, true)
    }
  }

  /** Ends what is under way; nothing is called any more. */
  stop (): void {
    this.#running = false
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
    const { intervalMs, schedule, onOutcome, onFirstRound } = this.#options
    // Half an interval at least, so that the second round does not come on the heels of the first.
    const periodMs = isFirst ? intervalMs * (0.5 + schedule.random() / 2) : intervalMs
    const delayMs = Math.max(0, startedMs + periodMs - schedule.nowMs())
    this.#cancels.set(target, schedule.after(delayMs, () => this.#probe(target, false)))
    onOutcome(target, outcome)
    if (isFirst && --this.#firstOutcomesMissing === 0 && this.#running) onFirstRound()
  }
}
