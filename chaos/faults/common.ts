/** What faults are made of. */
import { BEGIN_MS, END_MS } from '../times.ts'
import type { Backend } from '../backends/backend.ts'
import type { Step } from '../types.ts'

/** From the first step to the last one. */
export const FAULT_MS = END_MS - BEGIN_MS

type Deed = (backend: Backend) => Promise<void>

export const kill: Deed = async (backend) => await backend.kill()
export const startAgain: Deed = async (backend) => await backend.start()

/** All processes of a backend get a signal. */
export function send (signal: NodeJS.Signals): Deed {
  return async (backend) => backend.signal(signal)
}

/** A step that does something to each of the backends of these names, at once. */
export function step (atMs: number, names: readonly string[], deed: Deed): Step {
  return { atMs, act: async (field) => { await Promise.all(field.named(names).map(deed)) } }
}
