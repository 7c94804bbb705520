/**
 * `fastlancer/testing`: what policies and plugins are tried and tested with. A virtual clock, seeded randomness, backends and gateways that exist
 * on that clock alone, backends on real sockets, and assertions on who was picked. See docs/testing.md.
 */
export { builtInPolicy } from './built-in.ts'
export { chiSquaredExcess } from './chi-squared.ts'
export { constant, type Distribution, exponential, lognormal, sometimes } from './distributions.ts'
export type { BackendResult, Second, SimulationResult } from './measures.ts'
export type { BackendMeasures, BackendModel, BackendState } from './modelled-backend.ts'
export { assertShares, countPicks, keysMoved, placesOf, poolUnderTest, type PoolUnderTestOptions, setHealth } from './picks.ts'
export { policyFaults } from './policy-check.ts'
export { seededRandom } from './random.ts'
export type { Samples } from './samples.ts'
export { ScriptedBackend, type ScriptedAnswer, type ScriptedBackendOptions, type SeenRequest } from './scripted-backend.ts'
export { type Settings, settingsOf, type SimulatedKey } from './settings.ts'
export { type Change, simulate, type SimulationOptions } from './simulation.ts'
export type { ClosedLoop, KeySpace, OpenLoop, Traffic } from './traffic.ts'
export { VirtualClock } from './virtual-clock.ts'
export type { Backend, BackendSpec } from '../pool/backend.ts'
export { BUILT_IN_POLICIES } from '../pool/policies/built-in.ts'
export { type AttemptResult, type PickContext, type Policy, type PolicyFactory, type PolicyParts, RESULT_FAILED, RESULT_UNKNOWN } from '../pool/policy.ts'
export type { Pool } from '../pool/pool.ts'
