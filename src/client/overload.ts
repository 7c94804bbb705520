/**
 * Decides from samples whether the gateway has more to do than it can: its event loop is late, or memory is short. It sees neither a
 * request nor a clock.
 */
import type { MemoryUse } from '../observe/memory-use.ts'
import { Level } from './level.ts'

export interface OverloadLimits {
  /** How late the event loop may be, in ms; 0: as late as it is. */
  readonly loopDelayMs: number
  /** The share of its memory that may be in use, 0 to 1; 0: all of it. */
  readonly memoryRatio: number
}

export interface Sample {
  /** The mean delay of the event loop since the last sample, in ms. */
  readonly loopDelayMs: number
  readonly process: MemoryUse
  /** The heap of this thread. */
  readonly heap: MemoryUse
}

/** Below this part of its limit the event loop is well again: what was refused comes back, and would bring it above the limit at once. */
const LOOP_WELL = 0.5

/** The same for memory, which falls slowly, and never far. */
const MEMORY_WELL = 0.95

/**
 * Memory may stay in use that no request holds: the allocator keeps it for later, or a plugin has filled it. Nothing is won then by
 * refusing for ever.
 */
const MEMORY_STAYS = { afterMs: 10_000, step: 0.01, ceiling: 1 } as const

/** A figure, its level, and what is said when it is too high: to clients too, whom the figure itself is no concern of. */
interface Watched {
  readonly level: Level
  readonly figure: (sample: Sample) => number
  readonly reason: string
}

export class Overload {
  readonly #watched: readonly Watched[]
  #cause: Watched | undefined

  constructor ({ loopDelayMs, memoryRatio }: OverloadLimits) {
    this.#watched = [
      ...(loopDelayMs > 0 ? [watchedLoop(loopDelayMs)] : []),
      ...(memoryRatio > 0 ? watchedMemory(memoryRatio) : [])
    ]
  }

  /** Why it is overloaded, with the limit and its key; undefined while it is not. */
  get reason (): string | undefined {
    return this.#cause?.reason
  }

  /** Takes the next sample. `nowMs` is of a monotonic clock. */
  observe (sample: Sample, nowMs: number): void {
    for (const { level, figure } of this.#watched) level.observe(figure(sample), nowMs)
    if (this.#cause?.level.isHigh !== true) this.#cause = this.#watched.find(({ level }) => level.isHigh)
  }
}

/** The part of it that is in use, 0 to 1. A limit may be guessed too low: then too what was given up must not begin anew. */
export function shareOf ({ usedBytes, limitBytes }: MemoryUse): number {
  return Math.min(1, usedBytes / limitBytes)
}

function watchedLoop (limit: number): Watched {
  return {
    level: new Level({ limit, well: LOOP_WELL * limit }),
    figure: ({ loopDelayMs }) => loopDelayMs,
    reason: `its event loop is more than ${limit} ms late (OVERLOAD_LOOP_DELAY_MS)`
  }
}

function watchedMemory (limit: number): Watched[] {
  const watched = (figure: (sample: Sample) => number, what: string): Watched => ({
    level: new Level({ limit, well: MEMORY_WELL * limit, giveUp: MEMORY_STAYS }),
    figure,
    reason: `more than ${limit} of its ${what} is in use (OVERLOAD_MEMORY_RATIO)`
  })
  return [watched((sample) => shareOf(sample.process), 'memory'), watched((sample) => shareOf(sample.heap), 'heap')]
}
