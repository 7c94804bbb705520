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

/** The longest walk, in entries: then there is next to nobody left, and one of those is taken without the table. */
const MAX_STEPS = 64

export const consistentHash: PolicyFactory = () => new ConsistentHash()

export class ConsistentHash implements Policy {
  readonly name: string = 'consistent-hash'
  #active: readonly Backend[] = []
  #members: readonly Backend[] = []
  #table = new Int32Array(0)

  rebuild (active: readonly Backend[], members: readonly Backend[]): void {
    this.#active = active
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
      if (backend !== undefined && this.isActive(backend) && this.accepts(backend) && !tried.includes(backend)) return backend
      entry = (entry + step) % size
    }
    return pickUntried(this.#active, 0, tried, mixed(keyHash))
  }

  scores (backend: Backend, { keyHash }: PickContext): Readonly<Record<string, number>> {
    const owner = this.#members[this.#table[keyHash % this.#table.length] ?? -1]
    return { owner: owner === backend ? 1 : 0 }
  }

  protected isActive ({ position }: Backend): boolean {
    return position >= 0 && position < this.#active.length
  }

  /** How many are active. */
  protected get activeCount (): number {
    return this.#active.length
  }

  /** Whether a backend may take one more. */
  protected accepts (_backend: Backend): boolean {
    return true
  }
}
