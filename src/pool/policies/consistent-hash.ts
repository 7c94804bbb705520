/**
 * Consistent hashing (Maglev): requests with the same key (HASH_KEY) go to the same backend, in every thread and every gateway that has the
 * same backends. The table is made of all backends, available or not: where the one that a key belongs to is not available the key
 * takes a walk over the table, so that what one has served spreads over all others, no other key moves, and all are back where they
 * were when it returns. While a backend warms up it has all its keys: they would be cold twice otherwise.
 */
import type { Backend } from '../backend.ts'
import { mixed } from '../hash.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { pickUntried } from '../untried.ts'
import { maglevTable } from './maglev-table.ts'
import { WeightedDraw } from './weighted-draw.ts'

/** The longest walk, in entries: then little is left of the pool, and one of those that are is drawn without the table. */
const MAX_STEPS = 64
/** Draws that hit a backend which may not be taken: then one is taken that was not tried, whatever its weight and load. */
const MAX_DRAWS = 64

const TWO_POWER_32 = 2 ** 32

export const consistentHash: PolicyFactory = () => new ConsistentHash()

export class ConsistentHash implements Policy {
  readonly name: string = 'consistent-hash'
  readonly rule: string = 'the owner of the key; if it cannot be taken, the first on the key\'s walk over the table that can'
  #active: readonly Backend[] = []
  #members: readonly Backend[] = []
  #draws = new WeightedDraw([])
  #table = new Int32Array(0)

  rebuild (active: readonly Backend[], members: readonly Backend[]): void {
    this.#active = active
    this.#draws = new WeightedDraw(active.map(({ weight }) => weight))
    if (members === this.#members) return
    this.#members = members
    this.#table = maglevTable(members)
  }

  pick ({ tried, keyHash }: PickContext): Backend | undefined {
    const size = this.#table.length
    const step = size < 2 ? 1 : mixed(keyHash) % (size - 1) + 1
    let entry = keyHash % size
    for (let i = 0; i < MAX_STEPS && i < size; i++) {
      const backend = this.#members[this.#table[entry] ?? -1]
      if (backend !== undefined && this.#isActive(backend) && this.accepts(backend) && !tried.includes(backend)) return backend
      entry = (entry + step) % size
    }
    return this.#drawn(tried, keyHash)
  }

  scores (backend: Backend, { keyHash }: PickContext): Readonly<Record<string, number>> {
    const owner = this.#members[this.#table[keyHash % this.#table.length] ?? -1]
    return { owner: owner === backend ? 1 : 0 }
  }

  /** Whether a backend may take one more. */
  protected accepts (_backend: Backend): boolean {
    return true
  }

  /** Without the table, but the same one for a key as long as the same backends are left. */
  #drawn (tried: readonly Backend[], keyHash: number): Backend | undefined {
    let hash = keyHash
    for (let i = 0; i < MAX_DRAWS; i++) {
      hash = mixed(hash + 1)
      const backend = this.#active[this.#draws.draw(hash / TWO_POWER_32)]
      if (backend !== undefined && this.accepts(backend) && !tried.includes(backend)) return backend
    }
    return pickUntried(this.#active, 0, tried, mixed(keyHash))
  }

  #isActive ({ position }: Backend): boolean {
    return position >= 0 && position < this.#active.length
  }
}
