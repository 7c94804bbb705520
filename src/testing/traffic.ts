/** The clients of a simulation: when they ask, for what, and how long they wait. */
import { WeightedDraw } from '../pool/policies/weighted-draw.ts'
import { constant, type Distribution, exponential } from './distributions.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** So many requests a second, whatever becomes of those before: many clients that know nothing of each other (a Poisson process). */
export interface OpenLoop {
  readonly ratePerS: number
}

/** So many clients, each of which asks again when it has its answer and has thought; default: at once. */
export interface ClosedLoop {
  readonly clients: number
  readonly think?: Distribution
}

/** Keys from 0 to `count` - 1, of which key k is asked for as often as 1 / (k + 1)^`exponent` says (Zipf); 0: all equally often. */
export interface KeySpace {
  readonly count: number
  readonly exponent: number
}

export interface Traffic {
  readonly arrivals: OpenLoop | ClosedLoop
  /** Default: requests have no keys. */
  readonly keys?: KeySpace
  /** The share of requests (0 to 1) that must not be sent twice (POST); default 0. */
  readonly unsafeShare?: number
  /** A client that has no answer after so many ms leaves; default: it waits for ever. */
  readonly patienceMs?: number
}

export interface TrafficParts {
  readonly clock: VirtualClock
  /** From 0 (included) to 1 (not included). */
  readonly random: () => number
  /** Makes a request of client number `client`; calls back when it is over. In an open loop clients have no numbers: it is -1. */
  readonly send: (client: number, onEnd: () => void) => void
}

const MS_PER_S = 1_000

const NOBODY = -1

export class Clients {
  readonly #parts: TrafficParts
  #ratePerS = 0
  /** Whether the next arrival is planned. */
  #isPlanned = false
  #isOver = false

  constructor (parts: TrafficParts) {
    this.#parts = parts
  }

  start (arrivals: OpenLoop | ClosedLoop): void {
    if ('ratePerS' in arrivals) return this.setRate(arrivals.ratePerS)
    const { clock, random } = this.#parts
    const { think = constant(0) } = arrivals
    const ask = (client: number): void => {
      if (this.#isOver) return
      // Not straight from the end of one into the next: an answer that takes no time would never let anybody else have a turn.
      this.#parts.send(client, () => clock.later(think(random), () => ask(client)))
    }
    for (let client = 0; client < arrivals.clients; client++) clock.later(think(random), () => ask(client))
  }

  /** Another number of requests a second from now on. */
  setRate (ratePerS: number): void {
    this.#ratePerS = ratePerS
    if (!this.#isPlanned) this.#planArrival()
  }

  /** Nobody asks any more. */
  stop (): void {
    this.#isOver = true
  }

  #planArrival (): void {
    if (this.#isOver || this.#ratePerS === 0) return
    const { clock, random, send } = this.#parts
    this.#isPlanned = true
    clock.later(exponential({ meanMs: MS_PER_S / this.#ratePerS })(random), () => {
      this.#isPlanned = false
      if (this.#isOver || this.#ratePerS === 0) return
      this.#planArrival()
      send(NOBODY, () => {})
    })
  }
}

/** Draws keys. */
export function keyDraw ({ count, exponent }: KeySpace): (random: () => number) => number {
  const draws = new WeightedDraw(Float64Array.from({ length: count }, (_, key) => (key + 1) ** -exponent))
  return (random) => draws.draw(random())
}
