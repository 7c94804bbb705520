/** Plays scenarios, and shortens them for those who have no time. */
import { type Change, type Settings, simulate } from '../src/testing/index.ts'
import type { NamedPolicy, Played, Scenario } from './types.ts'

export interface PlayOptions {
  readonly policies: readonly NamedPolicy[]
  readonly seed: number
  /** Go before what the scenario says; default: none. */
  readonly settings?: Settings
}

/** Plays a scenario with each policy, one after the other. */
export async function play (scenario: Scenario, { policies, seed, settings = {} }: PlayOptions): Promise<Played> {
  const results = []
  for (const { factory } of policies) {
    results.push(await simulate({ ...scenario.options, policy: factory, seed, settings: { ...scenario.options.settings, ...settings } }))
  }
  return { scenario, results }
}

/** The same in a part of its time (0 to 1): all that happens happens sooner. */
export function shortened (scenario: Scenario, part: number): Scenario {
  const { durationMs, warmUpMs = 0, changes = [] } = scenario.options
  return {
    ...scenario,
    options: { ...scenario.options, durationMs: part * durationMs, warmUpMs: part * warmUpMs, changes: changes.map((change) => sooner(change, part)) }
  }
}

function sooner (change: Change, part: number): Change {
  return { ...change, atMs: part * change.atMs }
}
