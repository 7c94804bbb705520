/** How much memory is in use, and how much there may be: of the process, and of this thread's heap. */
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

export interface MemoryUse {
  readonly usedBytes: number
  readonly limitBytes: number
}

/**
 * What the process has of the machine's memory: its resident set, all threads and what is outside of V8's heaps included. That is what
 * the kernel ends a process for; what its cgroup is charged with besides (caches of files) can be taken back.
 */
export function processMemory (): MemoryUse {
  return { usedBytes: process.memoryUsage.rss(), limitBytes: processLimitBytes(process.constrainedMemory(), totalmem()) }
}

/**
 * What lives in this thread's heap, garbage included, against the size that V8 ends the thread at (`--max-old-space-size`). V8 collects
 * by halfway between what lives and that size: nine tenths in use mean that eight live.
 */
export function heapMemory (): MemoryUse {
  const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics()
  return { usedBytes, limitBytes }
}

/** The limit of the cgroup, or the machine's memory if that is less. `constrainedBytes` is as Node has it: 0, or a huge number, if there is none. */
export function processLimitBytes (constrainedBytes: number, machineBytes: number): number {
  return constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes
}
