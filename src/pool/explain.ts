/** Says how a pool picks for a request, for people: which backends there are, which are left out and why, and what the others weigh. Not on the path of a request. */
import type { Backend } from './backend.ts'
import type { PickContext } from './policy.ts'
import type { Pool } from './pool.ts'
import { REASON_DOWN, REASON_EJECTED, REASON_FULL, REASONS_OF_DRAINING } from './slots.ts'

export interface Candidate {
  readonly backend: string
  /** What the policy weighs it by, by name; empty if it does not say, or does not weigh. */
  readonly scores: Readonly<Record<string, number>>
}

export interface LeftOut {
  readonly backend: string
  /** down, ejected, draining, full, tried (by this request), or standby (available, but of a group whose turn it is not). */
  readonly because: readonly string[]
}

export interface PickExplanation {
  readonly policy: string
  /** How it chooses, what breaks a tie included. */
  readonly rule: string
  /** Whether verdicts on backends are not believed, because so few are available. */
  readonly panicking: boolean
  readonly candidates: readonly Candidate[]
  readonly leftOut: readonly LeftOut[]
}

const REASONS: ReadonlyArray<readonly [bit: number, name: string]> = [
  [REASON_DOWN, 'down'], [REASON_EJECTED, 'ejected'], [REASONS_OF_DRAINING, 'draining'], [REASON_FULL, 'full']
]

/** What `pool.pick(context)` would choose from now. Nothing is picked, and nothing changes. */
export function explainPick (pool: Pool, context: PickContext): PickExplanation {
  const { available, isPanicking: panicking, policy } = pool
  const untried = pool.backends.filter((backend) => backend.position >= 0 && !context.tried.includes(backend))
  const inTurn = untried.filter(({ position }) => position < available.length)
  // When all of those whose turn it is were tried, the others step in.
  const candidates = inTurn.length > 0 ? inTurn : untried
  const chosenFrom = new Set(candidates)
  const others = pool.backends.filter((backend) => !chosenFrom.has(backend))
  return {
    policy: policy.name,
    rule: policy.rule ?? 'its own',
    panicking,
    candidates: candidates.map((backend) => ({ backend: backend.url, scores: policy.scores?.(backend, context) ?? {} })),
    leftOut: others.map((backend) => ({ backend: backend.url, because: reasonsOf(backend, context) }))
  }
}

function reasonsOf (backend: Backend, { tried }: PickContext): readonly string[] {
  const named = REASONS.filter(([bit]) => (backend.reasons & bit) !== 0).map(([, name]) => name)
  if (tried.includes(backend)) named.push('tried')
  return named.length === 0 ? ['standby'] : named
}
