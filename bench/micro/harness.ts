/**
 * Nanoseconds and bytes a call of a hot function.
 *
 * Time: the function is called in batches, until a batch takes a few ms; the median of many batches is quoted with its quartiles.
 *
 * Bytes: `process.memoryUsage().heapUsed` before and after a batch. That is exact only while nothing is collected in between:
 * `npm run bench:micro` therefore gives a young generation of several hundred MiB (`--max-semi-space-size` and
 * `--min-semi-space-size`), each batch begins with a full collection (`--expose-gc`) and allocates less than that, and batches
 * during which a PerformanceObserver saw a collection do not count. What the harness itself allocates is measured with an
 * empty function, and taken off. Memory outside of the heap (buffers) is not in it.
 */
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { type Spread, median, spreadOf } from '../stats.ts'

/** What is measured. What it returns is kept alive, so that the call cannot be optimised away. */
export interface Subject {
  readonly name: string
  readonly run: () => unknown
}

export interface MicroResult {
  readonly name: string
  /** Nanoseconds a call. */
  readonly nanos: Spread
  /** Bytes allocated a call; undefined if no batch went by without a collection. */
  readonly bytes: Spread | undefined
}

const WARM_UP_MS = 1_500
const BATCH_MS = 5
const TIME_BATCHES = 61
const BYTE_BATCHES = 15
const BYTE_CALLS = 20_000
const NANOS_PER_MS = 1e6

/** Results go there: a value that somebody might read has to be computed. */
const sink: { value: unknown } = { value: undefined }

/** Measures one function. Needs `--expose-gc`. */
export async function measure ({ name, run }: Subject): Promise<MicroResult> {
  const calls = warmUp(run)
  const nanos = Array.from({ length: TIME_BATCHES }, () => timed(run, calls))
  const own = median(await bytesOf(() => undefined))
  const bytes = await bytesOf(run)
  const spread = spreadOf(nanos)
  if (spread === undefined) throw new Error('no batch was measured')
  return { name, nanos: spread, bytes: spreadOf(bytes.map((value) => Math.max(0, value - own))) }
}

/** Calls it until it is compiled; gives how many calls take `BATCH_MS`. */
function warmUp (run: () => unknown): number {
  let calls = 100
  const until = performance.now() + WARM_UP_MS
  while (performance.now() < until) {
    const nanos = timed(run, calls)
    calls = Math.max(100, Math.ceil(BATCH_MS * NANOS_PER_MS / nanos))
  }
  return calls
}

function timed (run: () => unknown, calls: number): number {
  const begun = process.hrtime.bigint()
  for (let i = 0; i < calls; i++) sink.value = run()
  return Number(process.hrtime.bigint() - begun) / calls
}

async function bytesOf (run: () => unknown): Promise<number[]> {
  const collections = new Collections()
  const values: number[] = []
  for (let batch = 0; batch < BYTE_BATCHES; batch++) {
    globalThis.gc?.()
    await turn()
    collections.forget()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < BYTE_CALLS; i++) sink.value = run()
    const after = process.memoryUsage().heapUsed
    await turn()
    if (!collections.any()) values.push((after - before) / BYTE_CALLS)
  }
  collections.end()
  return values
}

/** Whether anything was collected. */
class Collections {
  #seen = 0
  readonly #observer = new PerformanceObserver((list) => this.#count(list.getEntries()))

  constructor () {
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  any (): boolean {
    this.#count(this.#observer.takeRecords())
    return this.#seen > 0
  }

  forget (): void {
    this.#observer.takeRecords()
    this.#seen = 0
  }

  end (): void {
    this.#observer.disconnect()
  }

  #count (entries: readonly PerformanceEntry[]): void {
    this.#seen += entries.length
  }
}
