/** Which backends of a pool may be picked, as their states and priorities have it. Worked out when one of them changes, never when a request comes. */
import type { Backend } from './backend.ts'
import { NOTES, REASONS_OF_HEALTH } from './slots.ts'

export interface ArrangementRules {
  /**
   * The share of a group's weight that has to be available (0 to 1): with less of it the next group joins in. 0: only when there is
   * nothing left of it.
   */
  readonly minGroupRatio: number
  /**
   * With less than this share of the backends available (0 to 1) the verdicts on them are not believed: all but draining ones are picked
   * from ("fail open"; Envoy calls it panic threshold). 0: never.
   */
  readonly panicRatio: number
}

export interface Arrangement {
  /** To be picked from, in the pool's order. */
  readonly active: readonly Backend[]
  /** Available too, but of groups whose turn it is not: for requests that have tried all active ones. In the pool's order. */
  readonly spare: readonly Backend[]
  /** Whether verdicts are not believed. */
  readonly isPanicking: boolean
}

/** Arranges the backends of a pool. */
export function arrange (backends: readonly Backend[], { minGroupRatio, panicRatio }: ArrangementRules): Arrangement {
  const isPanicking = panicRatio > 0 && backends.filter(isWell).length / backends.length < panicRatio
  if (isPanicking) return { active: backends.filter(({ reasons }) => (reasons & ~REASONS_OF_HEALTH & ~NOTES) === 0), spare: [], isPanicking }
  const available = backends.filter((backend) => backend.available)
  const last = lastGroup(backends, minGroupRatio)
  if (last === undefined) return { active: available, spare: [], isPanicking }
  return {
    active: available.filter(({ priority }) => priority <= last),
    spare: available.filter(({ priority }) => priority > last),
    isPanicking
  }
}

/** The last group whose turn it is; undefined if all are. Most pools have one group. */
function lastGroup (backends: readonly Backend[], minGroupRatio: number): number | undefined {
  if (backends.every(({ priority }) => priority === backends[0]?.priority)) return undefined
  const groups = new Map<number, { weight: number, available: number }>()
  for (const { priority, weight, available } of backends) {
    const group = groups.get(priority) ?? { weight: 0, available: 0 }
    group.weight += weight
    if (available) group.available += weight
    groups.set(priority, group)
  }
  const inTurn = [...groups].toSorted(([a], [b]) => a - b)
  return inTurn.find(([, { weight, available }]) => available > 0 && available / weight >= minGroupRatio)?.[0]
}

/** Whether nothing is held against its health. */
function isWell ({ reasons }: Backend): boolean {
  return (reasons & REASONS_OF_HEALTH) === 0
}
