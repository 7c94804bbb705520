/** What is measured of a simulation: each request that was made in the time that counts, as its client saw it. */
import type { BackendMeasures } from './modelled-backend.ts'
import { Samples } from './samples.ts'
import type { SimulatedRequest } from './simulated-request.ts'

/** A second of the simulation. */
export interface Second {
  readonly requests: number
  readonly failed: number
  /** The 99th percentile of the latency of good answers, in ms; NaN without any. */
  readonly p99Ms: number
}

/** A backend, over the time that counts. */
export interface BackendResult extends Readonly<BackendMeasures> {
  readonly url: string
  readonly weight: number
}

export interface SimulationResult {
  /** The policy's name. */
  readonly policy: string
  /** Requests that were made. */
  readonly requests: number
  /** Requests whose client got an answer of 500 or more, an error of the gateway, or none. */
  readonly failed: number
  /** Those by what the client got: the status of a backend's answer, or the code of an error; most frequent first. */
  readonly failures: ReadonlyMap<string, number>
  /** Attempts that were made for them. */
  readonly attempts: number
  /** Those of them that were not the first for their request. */
  readonly retries: number
  /** Attempts that were sent while another might yet be answered, of all requests. */
  readonly hedges: number
  /** From request to answer, in ms, of those that were answered well. */
  readonly latency: Samples
  /** Good answers a second. */
  readonly ratePerS: number
  /** The share of requests (0 to 1) whose key was served by another backend the time before; NaN without keys. */
  readonly keysMoved: number
  /** The share of requests (0 to 1) that a cache of a backend had the answer to; NaN without caches. */
  readonly hits: number
  readonly backends: readonly BackendResult[]
  /** From the beginning, by the time of the request. */
  readonly seconds: readonly Second[]
}

export interface MeasuresOptions {
  /** The time that counts, in ms. */
  readonly fromMs: number
  readonly untilMs: number
  /** How many keys there are; 0: none. */
  readonly keys: number
}

/** What `Measures` cannot know by itself. */
export type Surroundings = Pick<SimulationResult, 'policy' | 'hedges' | 'backends'>

const MS_PER_S = 1_000

/** Of a request that had no end when the simulation had one. */
const UNFINISHED = 'UNFINISHED'

const NO_KEY = -1
const NOWHERE = -1

interface Bin {
  requests: number
  failed: number
  readonly latency: Samples
}

export class Measures {
  readonly #options: MeasuresOptions
  readonly #latency = new Samples()
  readonly #failures = new Map<string, number>()
  readonly #seconds: Bin[]
  /** By key: the slot of the backend that served it last. */
  readonly #places: Int32Array
  #requests = 0
  #ended = 0
  #attempts = 0
  #retries = 0
  #keysSeen = 0
  #keysMoved = 0

  constructor (options: MeasuresOptions) {
    this.#options = options
    this.#places = new Int32Array(options.keys).fill(NOWHERE)
    this.#seconds = Array.from({ length: Math.ceil(options.untilMs / MS_PER_S) }, () => ({ requests: 0, failed: 0, latency: new Samples() }))
  }

  /** A request is made now. */
  began (nowMs: number): void {
    if (this.#counts(nowMs)) this.#requests++
  }

  /** A request that was made at `startMs` is over. `key`: its number; -1: none. */
  ended (request: SimulatedRequest, key: number, startMs: number, nowMs: number): void {
    this.#noteSecond(request, startMs, nowMs)
    const counts = this.#counts(startMs)
    if (key !== NO_KEY && request.isGood) this.#notePlace(key, request.backend?.slot ?? NOWHERE, counts)
    if (!counts) return
    this.#ended++
    this.#attempts += request.attempts
    this.#retries += Math.max(0, request.attempts - 1)
    if (request.isGood) this.#latency.add(nowMs - startMs)
    else this.#noteFailures(request.code === '' ? String(request.status) : request.code, 1)
  }

  result ({ policy, hedges, backends }: Surroundings): SimulationResult {
    if (this.#requests > this.#ended) this.#noteFailures(UNFINISHED, this.#requests - this.#ended)
    const [hits, misses] = [sum(backends.map((backend) => backend.hits)), sum(backends.map((backend) => backend.misses))]
    return {
      policy,
      hedges,
      backends,
      requests: this.#requests,
      failed: sum([...this.#failures.values()]),
      failures: new Map([...this.#failures].toSorted(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))),
      attempts: this.#attempts,
      retries: this.#retries,
      latency: this.#latency,
      ratePerS: this.#latency.count / (this.#options.untilMs - this.#options.fromMs) * MS_PER_S,
      keysMoved: this.#keysMoved / this.#keysSeen,
      hits: hits / (hits + misses),
      seconds: this.#seconds.map(({ requests, failed, latency }) => ({ requests, failed, p99Ms: latency.quantile(0.99) }))
    }
  }

  #counts (startMs: number): boolean {
    return startMs >= this.#options.fromMs && startMs < this.#options.untilMs
  }

  #noteSecond (request: SimulatedRequest, startMs: number, nowMs: number): void {
    const bin = this.#seconds[Math.floor(startMs / MS_PER_S)]
    if (bin === undefined) return
    bin.requests++
    if (request.isGood) bin.latency.add(nowMs - startMs)
    else bin.failed++
  }

  #notePlace (key: number, slot: number, counts: boolean): void {
    const before = this.#places[key] ?? NOWHERE
    this.#places[key] = slot
    if (before === NOWHERE || !counts) return
    this.#keysSeen++
    if (before !== slot) this.#keysMoved++
  }

  #noteFailures (what: string, count: number): void {
    this.#failures.set(what, (this.#failures.get(what) ?? 0) + count)
  }
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
