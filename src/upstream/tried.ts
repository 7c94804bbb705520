/** The backends that an exchange has tried in vain. */
import type { Backend } from '../pool/backend.ts'

export const NOTHING_TRIED: readonly Backend[] = []

/** `tried` and `backend`, each once, in the pool's order, as a policy wants them. */
export function withTried (tried: readonly Backend[], backend: Backend): readonly Backend[] {
  return [...tried.filter((one) => one !== backend), backend].toSorted((a, b) => a.slot - b.slot)
}
