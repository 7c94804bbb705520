/** A result as a run would give it, from figures that a test makes up. */
import { AGAINST_US, BUSY } from '../../bench/scenarios/common.ts'
import type { Missing, Result, Sample } from '../../bench/types.ts'

export interface Made {
  readonly name?: string
  /** Default: `rate`, requests a second. */
  readonly metric?: string
  /** Its value of each round, by entrant; undefined: a round that failed. */
  readonly rates: Readonly<Record<string, ReadonlyArray<number | undefined>>>
  readonly errors?: number
  readonly missing?: readonly Missing[]
}

export function madeResult ({ name = 'small', metric = 'rate', rates, errors = 0, missing = [] }: Made): Result {
  const samples = new Map(Object.entries(rates).map(([entrant, values]) => [
    entrant, values.map((value): Sample | undefined => value === undefined ? undefined : { [metric]: value, busy: 0.5, errors })
  ]))
  return {
    scenario: {
      name,
      title: 'Small & fast',
      about: 'Made up.',
      metrics: [{ key: 'rate', title: 'requests/s', digits: 0, better: 'more' }, BUSY],
      comparison: AGAINST_US,
      field: () => ({ entrants: [], missing: [] }),
      measure: async () => ({})
    },
    load: { rounds: 3, seconds: 1, warmUpSeconds: 1 },
    entrants: [...samples.keys()],
    missing,
    samples,
    repeated: 0
  }
}
