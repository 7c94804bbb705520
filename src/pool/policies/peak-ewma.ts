/**
 * Peak EWMA: of two backends drawn by weight the one with the lower cost is taken, which is its recent latency times the attempts that
 * would be in flight there. The mean follows a rise of the latency at once and its fall slowly, so that a backend which becomes slow is
 * left alone before its queue shows. Source: Finagle's and Linkerd's `p2c-peak-ewma` (twitter/finagle, `PeakEwma.scala`), with their
 * parameters: a decay of 10 s, and a backend of which nothing is known yet gets one attempt at a time.
 *
 * Each thread has means of its own, of what it has measured itself; attempts in flight are those of all threads.
 */
import type { Backend } from '../backend.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { RandomChoice } from './random-choice.ts'

/** Time after which a measurement counts for 1/e of what it did, in ms. */
export const DECAY_MS = 10_000

/** The cost of a backend that is being tried out; above all real ones. */
const UNKNOWN_COST = Number.MAX_VALUE / 2

export const peakEwma: PolicyFactory = ({ counters, random, nowMs }) => new PeakEwma({ capacity: counters.capacity, random, nowMs })

export interface PeakEwmaParts {
  /** Slots there are. */
  readonly capacity: number
  readonly random: () => number
  /** A monotonic clock, in ms. */
  readonly nowMs: () => number
}

export class PeakEwma implements Policy {
  readonly name = 'peak-ewma'
  readonly rule = 'two are drawn by weight, and the one with the lower cost (latency times what would be in flight, by weight) is taken; of equal ones the first that was drawn'
  readonly #choice: RandomChoice
  readonly #nowMs: () => number
  /** By slot: the mean of the latency in ms, as it was at its time. */
  readonly #means: Float64Array
  readonly #times: Float64Array

  constructor ({ capacity, random, nowMs }: PeakEwmaParts) {
    this.#choice = new RandomChoice(random)
    this.#nowMs = nowMs
    this.#means = new Float64Array(capacity)
    this.#times = new Float64Array(capacity)
  }

  rebuild (active: readonly Backend[]): void {
    this.#choice.rebuild(active)
  }

  pick ({ tried }: PickContext): Backend | undefined {
    const first = this.#choice.next(tried)
    if (first === undefined) return undefined
    const second = this.#choice.nextBeside(first, tried)
    if (second === undefined) return first
    const nowMs = this.#nowMs()
    return this.#cost(second, nowMs) < this.#cost(first, nowMs) ? second : first
  }

  attemptEnded ({ slot }: Backend, latencyMs: number): void {
    if (Number.isNaN(latencyMs)) return
    const nowMs = this.#nowMs()
    const mean = this.#means[slot] ?? 0
    const kept = Math.exp(((this.#times[slot] ?? 0) - nowMs) / DECAY_MS)
    this.#times[slot] = nowMs
    this.#means[slot] = latencyMs > mean ? latencyMs : mean * kept + latencyMs * (1 - kept)
  }

  scores (backend: Backend): Readonly<Record<string, number>> {
    const nowMs = this.#nowMs()
    return { latencyMs: this.#latency(backend, nowMs), inFlight: backend.inFlight, weight: backend.currentWeight, cost: this.#cost(backend, nowMs) }
  }

  /** What is known of a backend's latency; less from moment to moment, so that one that was slow gets another chance. */
  #latency ({ slot }: Backend, nowMs: number): number {
    return (this.#means[slot] ?? 0) * Math.exp(((this.#times[slot] ?? 0) - nowMs) / DECAY_MS)
  }

  #cost (backend: Backend, nowMs: number): number {
    const { inFlight, currentWeight } = backend
    const latencyMs = this.#latency(backend, nowMs)
    return latencyMs === 0 && inFlight > 0 ? UNKNOWN_COST + inFlight : latencyMs * (inFlight + 1) / currentWeight
  }
}
