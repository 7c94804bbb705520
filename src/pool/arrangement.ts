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

/** Arranges the backends of a pool. With limits it does so with nearly every request, from what was read of them once. */
export class Arranger {
  readonly #backends: readonly Backend[]
  readonly #rules: ArrangementRules
  /** Most pools have one. */
  readonly #hasGroups: boolean

  constructor (backends: readonly Backend[], rules: ArrangementRules) {
    this.#backends = backends
    this.#rules = rules
    this.#hasGroups = backends.some(({ priority }) => priority !== backends[0]?.priority)
  }

  /** `reasons`: each backend's word on the board, by place in the pool. */
  arrange (reasons: Int32Array): Arrangement {
    if (this.#isPanicking(reasons)) return { active: this.#without(reasons, ~REASONS_OF_HEALTH & ~NOTES), spare: [], isPanicking: true }
    const available = this.#without(reasons, ~NOTES)
    const last = this.#hasGroups ? lastGroup(this.#backends, available, this.#rules.minGroupRatio) : undefined
    if (last === undefined) return { active: available, spare: [], isPanicking: false }
    return {
      active: available.filter(({ priority }) => priority <= last),
      spare: available.filter(({ priority }) => priority > last),
      isPanicking: false
    }
  }

  #isPanicking (reasons: Int32Array): boolean {
    const { panicRatio } = this.#rules
    return panicRatio > 0 && this.#without(reasons, REASONS_OF_HEALTH).length / this.#backends.length < panicRatio
  }

  /** The backends that have none of `bits`. */
  #without (reasons: Int32Array, bits: number): readonly Backend[] {
    return this.#backends.filter((_, place) => ((reasons[place] ?? 0) & bits) === 0)
  }
}

/** The last group whose turn it is; undefined if all are. */
function lastGroup (backends: readonly Backend[], left: readonly Backend[], minGroupRatio: number): number | undefined {
  const groups = new Map<number, { weight: number, available: number }>()
  for (const { priority, weight } of backends) {
    const group = groups.get(priority) ?? { weight: 0, available: 0 }
    group.weight += weight
    groups.set(priority, group)
  }
  for (const { priority, weight } of left) {
    const group = groups.get(priority)
    if (group !== undefined) group.available += weight
  }
  const inTurn = [...groups].toSorted(([a], [b]) => a - b)
  return inTurn.find(([, { weight, available }]) => available > 0 && available / weight >= minGroupRatio)?.[0]
}
