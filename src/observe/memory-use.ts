/** How much memory is in use, and how much there may be: of the process, and of this thread's heap. */
import { totalmem } from 'node:os'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'

export interface MemoryUse {
  readonly usedBytes: number
  readonly limitBytes: number
}

const MIB = 1024 * 1024

const MAX_YOUNG_BYTES = 96 * MIB

/**
 * What the process has of the machine's memory: its resident set, all threads and what is outside of V8's heaps included. That is what
 * the kernel ends a process for; what its cgroup is charged with besides (caches of files) can be taken back.
 */
export function processMemory (): MemoryUse {
  return { usedBytes: process.memoryUsage.rss(), limitBytes: processLimitBytes(process.constrainedMemory(), totalmem()) }
}

/**
 * What lives in this thread's heap, garbage included, against the size that V8 ends the thread at (`--max-old-space-size`). That is a
 * limit of the old generation alone: the young one is left out of both. V8 collects by halfway between what lives and that size:
 * nine tenths in use mean that eight live.
 */
export function heapMemory (): MemoryUse {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'))
  return {
    usedBytes: spaces.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0),
    limitBytes: getHeapStatistics().heap_size_limit - YOUNG_BYTES
  }
}

/**
 * How much of a heap's limit is there for the young generation. A worker knows (`toldMb`). For the first thread it is what V8 takes by
 * itself: three parts in 128 of an old generation of half the memory, up to that of one of 4 GiB.
 */
export function youngLimitBytes (toldMb: number | undefined, memoryBytes: number): number {
  return toldMb === undefined ? Math.min(MAX_YOUNG_BYTES, memoryBytes / 2 * 3 / 128) : toldMb * MIB
}

/** The limit of the cgroup, or the machine's memory if that is less. `constrainedBytes` is as Node has it: 0, or a huge number, if there is none. */
export function processLimitBytes (constrainedBytes: number, machineBytes: number): number {
  return constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes
}

/** V8 decides this once, when the thread begins. */
const YOUNG_BYTES = youngLimitBytes(resourceLimits.maxYoungGenerationSizeMb, processMemory().limitBytes)
