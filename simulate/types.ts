/** The words of the laboratory: scenarios, entrants, results. */
import type { PolicyFactory, SimulationOptions, SimulationResult } from '../src/testing/index.ts'

/** What policies are compared in: a file of its own, or one with a variation of it. */
export interface Scenario {
  readonly name: string
  readonly title: string
  /** What is there and what happens, in a sentence or more. */
  readonly about: string
  readonly options: Omit<SimulationOptions, 'policy' | 'seed'>
  /** The built-in policies that are compared; default: all. */
  readonly policies?: readonly string[]
}

/** A policy by its name. */
export interface NamedPolicy {
  readonly name: string
  readonly factory: PolicyFactory
}

/** A scenario that was played, with each policy in the same circumstances. */
export interface Played {
  readonly scenario: Scenario
  readonly results: readonly SimulationResult[]
}
