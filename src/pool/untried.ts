/** Picking among the backends that a request has not tried. */
import type { Backend } from './backend.ts'

/**
 * One of `backends` that is not in `tried`, by `turn`; undefined if there is none. Each of those that are left is as likely as any
 * other, whatever backend failed: nobody inherits its share. Linear in the number of attempts so far, whatever the size of the pool.
 *
 * `first`: the position of the first of `backends`. Both lists are in the pool's order.
 */
export function pickUntried (backends: readonly Backend[], first: number, tried: readonly Backend[], turn: number): Backend | undefined {
  const end = first + backends.length
  let left = backends.length
  for (const { position } of tried) if (position >= first && position < end) left--
  if (left <= 0) return undefined
  let position = first + turn % left
  // `tried` ascends, as `position` does: stepping over each hole at or below keeps every backend that is left equally likely.
  for (const { position: hole } of tried) if (hole >= first && hole < end && hole <= position) position++
  return backends[position - first]
}
