/**
 * Least connections, by weight: the backend with the fewest attempts in flight for its weight, as nginx's `least_conn` and HAProxy's
 * `leastconn`. Of those that are equal the one whose turn it is, by weight as well (as in stride scheduling: Waldspurger and Weihl, 1995). Where
 * turns begin is drawn: gateways and threads that start together must not all begin with the same backend.
 *
 * A heap keeps the order, so that a pick takes logarithmic time. What this thread sends and finishes is in it at once; with several
 * threads each pick looks at one more backend for what the others have sent there since.
 */
import type { Backend } from '../backend.ts'
import type { PickContext, Policy, PolicyFactory } from '../policy.ts'
import { PriorityHeap } from './priority-heap.ts'

export const leastConnections: PolicyFactory = ({ counters, random }) => new LeastConnections(counters.capacity, random)

export class LeastConnections implements Policy {
  readonly name = 'least-connections'
  readonly rule = 'the lowest load (in flight for its weight); of equal ones the one with the lowest turn, of these the first'
  #active: readonly Backend[] = []
  #heap = new PriorityHeap(0)
  /** By slot: when a backend's next turn is, in turns of a weight of 1. */
  readonly #turns: Float64Array
  readonly #random: () => number
  /** The turn of the last one that was picked. */
  #now = 0
  #looked = 0

  /** `capacity`: slots there are. */
  constructor (capacity: number, random: () => number) {
    this.#turns = new Float64Array(capacity).fill(NaN)
    this.#random = random
  }

  rebuild (active: readonly Backend[]): void {
    this.#active = active
    this.#heap = new PriorityHeap(active.length)
    for (const [position, backend] of active.entries()) {
      this.#turns[backend.slot] = this.#turn(backend)
      this.#heap.set(position, load(backend), this.#turn(backend))
    }
  }

  pick ({ tried }: PickContext): Backend | undefined {
    this.#lookAtOneMore()
    for (const backend of tried) if (this.#isActive(backend)) this.#heap.hide(backend.position)
    const picked = this.#active[this.#heap.first()]
    for (const backend of tried) if (this.#isActive(backend)) this.#heap.show(backend.position)
    if (picked === undefined) return undefined
    this.#now = this.#turn(picked)
    this.#turns[picked.slot] = this.#now + 1 / picked.currentWeight
    this.#update(picked)
    return picked
  }

  attemptStarted (backend: Backend): void {
    this.#update(backend)
  }

  attemptEnded (backend: Backend): void {
    this.#update(backend)
  }

  scores (backend: Backend): Readonly<Record<string, number>> {
    return { inFlight: backend.inFlight, weight: backend.currentWeight, load: load(backend), turn: this.#turn(backend) }
  }

  /** One that had nothing to do for long does not get all turns that it has missed. */
  #turn ({ slot, currentWeight }: Backend): number {
    const turn = this.#turns[slot] ?? 0
    return Number.isNaN(turn) ? this.#now + this.#random() / currentWeight : Math.max(turn, this.#now)
  }

  #lookAtOneMore (): void {
    this.#looked = (this.#looked + 1) % Math.max(1, this.#active.length)
    const backend = this.#active[this.#looked]
    if (backend !== undefined) this.#update(backend)
  }

  #update (backend: Backend): void {
    if (this.#isActive(backend)) this.#heap.set(backend.position, load(backend), this.#turns[backend.slot] ?? 0)
  }

  #isActive ({ position }: Backend): boolean {
    return position >= 0 && position < this.#active.length
  }
}

function load ({ inFlight, currentWeight }: Backend): number {
  return inFlight / currentWeight
}
