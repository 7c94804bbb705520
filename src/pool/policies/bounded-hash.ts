/**
 * Consistent hashing with bounded loads: as `consistent-hash`, but no backend gets more than 1.25 times its share of what is in flight. What
 * is too much for the backend of a hot key walks on to others, always the same ones. Mirrokni, Thorup and Zadimoghaddam, "Consistent
 * hashing with bounded loads" (2016); the factor is that of Vimeo's and HAProxy's (`hash-balance-factor 125`).
 *
 * Each thread bounds its own part: then all of them together are within the bound as well, but for the rounding up of each.
 */
import type { Backend } from '../backend.ts'
import type { Counters } from '../counters.ts'
import type { PolicyFactory } from '../policy.ts'
import { ConsistentHash } from './consistent-hash.ts'

/** How much more than its share a backend may have in flight. */
export const LOAD_FACTOR = 1.25

export const boundedHash: PolicyFactory = ({ counters }) => new BoundedHash(counters)

export class BoundedHash extends ConsistentHash {
  override readonly name = 'bounded-hash'
  override readonly rule = 'the owner of the key; if it cannot be taken, or has 1.25 times its share of what is in flight, the first on the key\'s walk over the table that can'
  readonly #counters: Counters
  /** Attempts of this thread in flight. */
  #inFlight = 0
  #weights = 0

  constructor (counters: Counters) {
    super()
    this.#counters = counters
    // The policy may be changed while attempts are in flight: their ends will be told here.
    for (let slot = 0; slot < counters.capacity; slot++) this.#inFlight += counters.ownInFlight(slot)
  }

  override rebuild (active: readonly Backend[], members: readonly Backend[]): void {
    super.rebuild(active, members)
    this.#weights = active.reduce((sum, { weight }) => sum + weight, 0)
  }

  attemptStarted (): void {
    this.#inFlight++
  }

  attemptEnded (): void {
    this.#inFlight--
  }

  protected override accepts ({ slot, weight }: Backend): boolean {
    const share = (this.#inFlight + 1) * weight / this.#weights
    return this.#counters.ownInFlight(slot) < Math.ceil(LOAD_FACTOR * share)
  }
}
