/** Plays stories of backends that come and go with a policy, and says what it does that a gateway could not live with. */
import type { Backend } from '../pool/backend.ts'
import { type PolicyFactory, RESULT_FAILED, RESULT_UNKNOWN } from '../pool/policy.ts'
import type { Pool } from '../pool/pool.ts'
import { poolUnderTest } from './picks.ts'
import { seededRandom } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'

const STORIES = 100
const STEPS = 50
const MAX_BACKENDS = 8
const MAX_WEIGHT = 10
const MAX_LATENCY_MS = 500
const TWO_POWER_32 = 2 ** 32

/** What is wrong, a sentence each, the first of its kind; nothing if all is well. `seed`: a whole number, for other stories. */
export function policyFaults (policy: PolicyFactory, seed = 1): readonly string[] {
  const faults = new Map<string, string>()
  for (let number = 0; number < STORIES; number++) {
    const story = new Story(policy, seededRandom(seed, `story ${number}`))
    for (const [kind, fault] of story.play()) if (!faults.has(kind)) faults.set(kind, fault)
  }
  return [...faults.values()]
}

type Fault = readonly [kind: string, sentence: string]

class Story {
  readonly #random: () => number
  readonly #policy: PolicyFactory
  readonly #clock = new VirtualClock()
  readonly #inFlight: Backend[] = []

  constructor (policy: PolicyFactory, random: () => number) {
    this.#policy = policy
    this.#random = random
  }

  play (): Fault[] {
    try {
      const weights = Array.from({ length: this.#below(MAX_BACKENDS + 1) }, () => 1 + this.#below(MAX_WEIGHT))
      const pool = poolUnderTest({ policy: this.#policy, weights, seed: this.#below(TWO_POWER_32), clock: this.#clock })
      return Array.from({ length: STEPS }).flatMap(() => this.#step(pool))
    } catch (error) {
      return [['throws', `it throws: ${error instanceof Error ? error.message : String(error)}`]]
    }
  }

  #step (pool: Pool): Fault[] {
    const backend = pool.backends[this.#below(pool.backends.length)]
    switch (this.#below(4)) {
      case 0:
        if (backend !== undefined) pool.verdicts.judge(backend, this.#random() < 0.5, 'as the story has it', 0)
        return []
      case 1:
        this.#endOne(pool)
        return []
      case 2:
        this.#begin(pool)
        return []
      default: return this.#askAll(pool)
    }
  }

  #begin (pool: Pool): void {
    const backend = pool.pick({ tried: [], keyHash: this.#below(TWO_POWER_32) })
    if (backend !== undefined && pool.begin(backend)) this.#inFlight.push(backend)
  }

  #endOne (pool: Pool): void {
    const [backend] = this.#inFlight.splice(this.#below(this.#inFlight.length), 1)
    if (backend === undefined) return
    const result = [200, 503, RESULT_FAILED, RESULT_UNKNOWN][this.#below(4)] ?? RESULT_UNKNOWN
    pool.ended(backend, result > 0 ? this.#random() * MAX_LATENCY_MS : NaN, result)
  }

  /** A request that fails everywhere has to come to each available backend once, and then to none. */
  #askAll (pool: Pool): Fault[] {
    const tried = new Set<Backend>()
    const keyHash = this.#below(TWO_POWER_32)
    for (;;) {
      const inOrder = pool.backends.filter((backend) => tried.has(backend))
      const left = pool.available.filter((backend) => !tried.has(backend))
      const picked = pool.pick({ tried: inOrder, keyHash })
      if (picked === undefined && left.length === 0) return []
      if (picked === undefined) return [['misses', `it picks nobody although ${left.length} of ${pool.available.length} active backends were not tried: go on to those`]]
      if (tried.has(picked)) return [['repeats', 'it picks a backend that the request has tried already: leave out those of "tried"']]
      if (!left.includes(picked)) return [['stranger', 'it picks a backend that is not active: pick among those of the last "rebuild" alone']]
      tried.add(picked)
    }
  }

  /** A whole number from 0 to `end` - 1; 0 if there is none. */
  #below (end: number): number {
    return Math.floor(this.#random() * end)
  }
}
