/** How many workers a configuration asks for. */
import { MAX_WORKERS } from '../config/env-schema.ts'

/**
 * The workers for the text of WORKERS; `processors` is what `auto` comes to. 1, which is no worker at all, for a text that says
 * nothing valid: the configuration tells what is wrong with it.
 */
export function workerCount (text: string | undefined, processors: number): number {
  const count = text === 'auto' ? processors : Number(text ?? 1)
  if (!Number.isInteger(count) || count < 1) return 1
  return Math.min(count, MAX_WORKERS)
}
