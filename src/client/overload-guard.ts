/** Samples how busy the gateway is, at even intervals, so that a request pays for one look at what came of it. */
import type { FastifyError } from '@fastify/error'
import { OverloadedError } from '../errors.ts'
import { LoopDelay } from '../observe/loop-delay.ts'
import type { MemoryUse } from '../observe/memory-use.ts'
import { Overload, type OverloadLimits, type Sample, shareOf } from './overload.ts'

export interface OverloadGuardOptions {
  readonly limits: OverloadLimits
  readonly clock: GuardClock
  /** How much memory is in use now. */
  readonly memory: () => { readonly process: MemoryUse, readonly heap: MemoryUse }
  /** Has garbage collected, where that can be asked for. */
  readonly collectGarbage: () => void
  /** From now on requests are refused. */
  readonly onBegin: (facts: OverloadFacts) => void
  /** From now on they are served again. */
  readonly onEnd: (facts: OverloadFacts & OverloadTotals) => void
}

export interface GuardClock {
  /** A monotonic clock, in ms. */
  nowMs (): number
  /** Calls back again and again, without keeping the process alive; the result ends that. */
  every (intervalMs: number, callback: () => void): () => void
}

/** What was measured last. */
export interface OverloadFacts {
  readonly reason: string | undefined
  readonly loopDelayMs: number
  /** The share of the process's memory that is in use, 0 to 1, and how much there may be. */
  readonly memoryRatio: number
  readonly memoryLimitBytes: number
  /** The same of this thread's heap. */
  readonly heapRatio: number
  readonly heapLimitBytes: number
}

export interface OverloadTotals {
  /** How long requests were refused, in ms. */
  readonly ms: number
  /** How many were. */
  readonly refused: number
}

/** How often the event loop is looked at, in ms. */
const TICK_MS = 20

/** The time of a sample, in ms; longer if the event loop is that late. */
const SAMPLE_MS = 500

/** Memory above its limit that is only garbage is no overload: a collection is asked for first, at most once in this time, in ms. */
const COLLECT_EVERY_MS = 30_000

/** When refused clients may come again, in s: not before the overload can be over, and not all at once. */
const RETRY_AFTER_S = 2
const RETRY_AFTER_SPREAD_S = 4

export class OverloadGuard {
  readonly #options: OverloadGuardOptions
  readonly #overload: Overload
  #delay: LoopDelay
  #refusal: FastifyError | undefined
  #sinceMs = 0
  #refused = 0
  #refusedBefore = 0
  #nextCollectionMs = -Infinity
  #stop = (): void => {}

  constructor (options: OverloadGuardOptions) {
    this.#options = options
    this.#overload = new Overload(options.limits)
    this.#delay = new LoopDelay(TICK_MS, options.clock.nowMs())
  }

  /** Why requests are refused; undefined while they are not. */
  get reason (): string | undefined {
    return this.#overload.reason
  }

  /** The error that each new request is refused with; undefined while they are served. */
  get refusal (): FastifyError | undefined {
    return this.#refusal
  }

  /** Requests refused so far. */
  get refused (): number {
    return this.#refused
  }

  /** Starts the samples. Without limits there are none. */
  start (): void {
    const { clock, limits } = this.#options
    if (limits.loopDelayMs === 0 && limits.memoryRatio === 0) return
    this.#stop()
    this.#delay = new LoopDelay(TICK_MS, clock.nowMs())
    this.#stop = clock.every(TICK_MS, () => this.#tick(clock.nowMs()))
  }

  /** Ends the samples: what was decided last holds. */
  stop (): void {
    this.#stop()
  }

  /** A request is refused: for how long its client had better wait, in seconds. */
  noteRefused (): number {
    return RETRY_AFTER_S + this.#refused++ % RETRY_AFTER_SPREAD_S
  }

  #tick (nowMs: number): void {
    this.#delay.tick(nowMs)
    if (this.#delay.spanMs < SAMPLE_MS) return
    const sample: Sample = { loopDelayMs: this.#delay.take(), ...this.#options.memory() }
    this.#collectIfShort(sample, nowMs)
    const before = this.reason
    this.#overload.observe(sample, nowMs)
    if (this.reason === before) return
    this.#refusal = this.reason === undefined ? undefined : new OverloadedError(this.reason)
    if (before === undefined) this.#begin(sample, nowMs)
    else if (this.reason === undefined) this.#end(sample, nowMs)
  }

  #begin (sample: Sample, nowMs: number): void {
    this.#sinceMs = nowMs
    this.#refusedBefore = this.#refused
    this.#options.onBegin(this.#facts(sample))
  }

  #end (sample: Sample, nowMs: number): void {
    this.#options.onEnd({ ...this.#facts(sample), ms: Math.round(nowMs - this.#sinceMs), refused: this.#refused - this.#refusedBefore })
  }

  #collectIfShort ({ process, heap }: Sample, nowMs: number): void {
    const { limits: { memoryRatio }, collectGarbage } = this.#options
    if (memoryRatio === 0 || Math.max(shareOf(process), shareOf(heap)) <= memoryRatio || nowMs < this.#nextCollectionMs) return
    this.#nextCollectionMs = nowMs + COLLECT_EVERY_MS
    collectGarbage()
  }

  #facts ({ loopDelayMs, process, heap }: Sample): OverloadFacts {
    return {
      reason: this.reason,
      loopDelayMs: Math.round(loopDelayMs),
      memoryRatio: rounded(shareOf(process)),
      memoryLimitBytes: process.limitBytes,
      heapRatio: rounded(shareOf(heap)),
      heapLimitBytes: heap.limitBytes
    }
  }
}

function rounded (ratio: number): number {
  return Math.round(ratio * 1_000) / 1_000
}
