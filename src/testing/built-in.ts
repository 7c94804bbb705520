/** The built-in policies by name, for tests. */
import { BUILT_IN_POLICIES } from '../pool/policies/built-in.ts'
import type { PolicyFactory } from '../pool/policy.ts'

/** What makes the policy of this name (as in POLICY); throws a RangeError if there is none. */
export function builtInPolicy (name: string): PolicyFactory {
  const factory = BUILT_IN_POLICIES.get(name)
  if (factory === undefined) throw new RangeError(`no built-in policy "${name}": there are ${[...BUILT_IN_POLICIES.keys()].join(', ')}`)
  return factory
}
