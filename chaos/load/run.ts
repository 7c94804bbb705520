/** Runs the load (main.ts) to its end. */
import { join } from 'node:path'
import { GRACE_MS, runLoad } from '../../bench/processes.ts'
import { monotonicMs } from '../times.ts'
import { readSamples, type Sample } from './sample.ts'

export interface LoadOptions {
  /** `host:port`. */
  readonly address: string
  /** When the last request is sent, on the clock of chaos/times.ts. */
  readonly stopMs: number
  readonly seed: number
}

/** It begins at once; resolves when it has ended. Samples come in no order. */
export async function playLoad ({ address, stopMs, seed }: LoadOptions): Promise<Sample[]> {
  const limitMs = stopMs - monotonicMs() + GRACE_MS
  const args = [join(import.meta.dirname, 'main.ts'), '--address', address, '--stop', String(stopMs), '--seed', String(seed)]
  return readSamples(await runLoad(process.execPath, args, { limitMs }))
}
