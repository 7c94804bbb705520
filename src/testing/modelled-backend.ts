/**
 * A backend that exists on the virtual clock alone: so many requests at a time, a queue before them, a cache, faults. How long a request takes
 * is not computed but played: it waits for its turn, then for its time.
 */
import type { BackendSpec } from '../pool/backend.ts'
import { constant, type Distribution } from './distributions.ts'
import { KeyCache } from './key-cache.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What a backend is like when nothing is the matter with it. */
export interface BackendModel extends Omit<BackendSpec, 'url'> {
  /** Requests that it works on at a time. */
  readonly servers: number
  /** How long it works on one; with a cache, on one that is not there. */
  readonly service: Distribution
  /** Requests that may wait for a server; more are answered with 503. Default: any number. */
  readonly maxWaiting?: number
  /** What it remembers: the answers to so many keys, each of which takes as long as `hit`. Default: nothing. */
  readonly cache?: { readonly keys: number, readonly hit: Distribution }
  /** After a start a request takes `factor` times as long, less and less so for so many `requests`. Default: it is warm at once. */
  readonly warmUp?: { readonly requests: number, readonly factor: number }
  /** Whether it notices that nobody waits for an answer any more, and stops working on it. Default: it does its work to the end. */
  readonly noticesLeavers?: boolean
}

/** What may become of it. */
export interface BackendState {
  /**
   * serves; refuses: there is no process, connections are refused, and what it had is lost; hangs: it takes requests and begins with none of
   * them, until it serves again; resets: it closes the connection of each request.
   */
  readonly mode: 'serves' | 'refuses' | 'hangs' | 'resets'
  /** So many times as long as usual. */
  readonly slowness: number
  /** A share of the requests (0 to 1) is answered with `status` at once, within `ms`. */
  readonly errors: { readonly status: number, readonly ratio: number, readonly ms: number } | undefined
}

/** What was measured of it. */
export interface BackendMeasures {
  /** Attempts that were made there, refused ones included. */
  attempts: number
  /** Requests that it has worked on to the end. */
  served: number
  /** The most that it had at a time, waiting ones included. */
  peak: number
  hits: number
  misses: number
}

/** A request that has come there. */
export interface BackendCall {
  /** The number of its key; -1: none. */
  readonly key: number
  /** It is answered. */
  answered (status: number): void
  /** Its connection is closed without an answer. */
  cut (): void
}

export interface BackendSite {
  readonly url: string
  readonly clock: VirtualClock
  /** From 0 (included) to 1 (not included). */
  readonly random: () => number
}

const USUAL: BackendState = { mode: 'serves', slowness: 1, errors: undefined }

const OK = 200
const TOO_MANY = 503

/** How long it takes to say that it is full, in ms. */
const REFUSAL = constant(1)

export class ModelledBackend {
  readonly spec: BackendSpec
  /** Since they were last reset. */
  measures: BackendMeasures = nothingMeasured()
  /** How often it has been started anew: connections do not outlive a process. */
  starts = 0
  readonly #model: BackendModel
  readonly #site: BackendSite
  readonly #cache: KeyCache | undefined
  readonly #busy = new Set<BackendCall>()
  /** Those that wait, from `#next` on. */
  #waiting: BackendCall[] = []
  #next = 0
  #state = USUAL
  /** Requests that it has begun to work on since it was last started. */
  #begun = Infinity

  constructor (model: BackendModel, site: BackendSite) {
    const { weight, priority, maxInFlight, cache } = model
    this.spec = {
      url: site.url,
      ...(weight !== undefined && { weight }),
      ...(priority !== undefined && { priority }),
      ...(maxInFlight !== undefined && { maxInFlight })
    }
    this.#model = model
    this.#site = site
    this.#cache = cache === undefined ? undefined : new KeyCache(cache.keys)
  }

  get noticesLeavers (): boolean {
    return this.#model.noticesLeavers === true
  }

  get mode (): BackendState['mode'] {
    return this.#state.mode
  }

  /** Requests that are there, waiting or worked on. */
  get load (): number {
    return this.#busy.size + this.#waiting.length - this.#next
  }

  /** From now on it is like this; what is not named stays. */
  change (state: Partial<BackendState>): void {
    const before = this.#state
    this.#state = { ...before, ...state }
    if (this.#state.mode === before.mode) return
    if (this.#state.mode === 'refuses') this.#stop()
    else if (before.mode === 'refuses') this.#begun = 0
    while (this.#busy.size < this.#model.servers && this.load > this.#busy.size && this.mode === 'serves') this.#serveNext()
  }

  resetMeasures (): void {
    this.measures = nothingMeasured()
  }

  /** A request has come. A backend that refuses cannot be reached: the caller sees to that. */
  take (call: BackendCall): void {
    const { mode, errors } = this.#state
    if (mode === 'refuses' || mode === 'resets') return call.cut()
    if (errors !== undefined && this.#site.random() < errors.ratio) return this.#answerApart(call, errors.status, errors.ms)
    if (mode === 'serves' && this.#busy.size < this.#model.servers) this.#serve(call)
    else if (this.#waiting.length - this.#next < (this.#model.maxWaiting ?? Infinity)) this.#waiting.push(call)
    else return this.#answerApart(call, TOO_MANY, REFUSAL(this.#site.random))
    if (this.load > this.measures.peak) this.measures.peak = this.load
  }

  /** Nobody waits for the answer any more. */
  leave (call: BackendCall): void {
    if (!this.noticesLeavers) return
    if (this.#busy.delete(call)) return this.#serveNext()
    const place = this.#waiting.indexOf(call, this.#next)
    if (place !== -1) this.#waiting.splice(place, 1)
  }

  #serve (call: BackendCall): void {
    this.#busy.add(call)
    this.#site.clock.later(this.#serviceMs(call.key), () => {
      // Unless it was lost, or left, in the meantime.
      if (!this.#busy.delete(call)) return
      this.measures.served++
      this.#serveNext()
      call.answered(OK)
    })
  }

  #serveNext (): void {
    const next = this.mode === 'hangs' ? undefined : this.#nextWaiting()
    if (next !== undefined) this.#serve(next)
  }

  /** Somebody who is not one of the servers answers. */
  #answerApart (call: BackendCall, status: number, ms: number): void {
    this.#site.clock.later(ms, () => call.answered(status))
  }

  #nextWaiting (): BackendCall | undefined {
    const call = this.#waiting[this.#next]
    if (call === undefined) return undefined
    this.#next++
    if (this.#next === this.#waiting.length || this.#next > 1_000) {
      this.#waiting = this.#waiting.slice(this.#next)
      this.#next = 0
    }
    return call
  }

  #serviceMs (key: number): number {
    const { service, cache } = this.#model
    const isHit = key >= 0 && this.#cache?.touch(key) === true
    if (this.#cache !== undefined) this.measures[isHit ? 'hits' : 'misses']++
    const draw = isHit && cache !== undefined ? cache.hit : service
    return draw(this.#site.random) * this.#state.slowness * this.#coldness()
  }

  /** So many times as long as when it is warm. */
  #coldness (): number {
    const { warmUp } = this.#model
    if (warmUp === undefined || this.#begun >= warmUp.requests) return 1
    return 1 + (warmUp.factor - 1) * (1 - this.#begun++ / warmUp.requests)
  }

  /** The process ends, and all that it had with it. */
  #stop (): void {
    const lost = [...this.#busy, ...this.#waiting.slice(this.#next)]
    this.starts++
    this.#busy.clear()
    this.#waiting = []
    this.#next = 0
    this.#cache?.clear()
    for (const call of lost) call.cut()
  }
}

function nothingMeasured (): BackendMeasures {
  return { attempts: 0, served: 0, peak: 0, hits: 0, misses: 0 }
}
