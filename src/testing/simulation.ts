/** A simulation from its beginning to its end: clients, gateways and backends on one virtual clock. The same options give the same result. */
import type { PolicyFactory } from '../pool/policy.ts'
import { Deadline } from '../timing/deadline.ts'
import { TimeoutQueue } from '../timing/timeout-queue.ts'
import { RequestMaker } from './made-request.ts'
import { Measures, type SimulationResult } from './measures.ts'
import { type BackendModel, type BackendState, ModelledBackend } from './modelled-backend.ts'
import { seededRandom } from './random.ts'
import { configOf, type Settings } from './settings.ts'
import { SimulatedGateway } from './simulated-gateway.ts'
import { Clients, keyDraw, type Traffic } from './traffic.ts'
import { VirtualClock } from './virtual-clock.ts'

/** Something that happens in the course of a simulation. */
export interface Change {
  readonly atMs: number
  /** The indices of the backends that `state` is for. */
  readonly backends?: readonly number[]
  /** What they are like from then on; what is not named stays. */
  readonly state?: Partial<BackendState>
  /** Requests a second from then on, in an open loop. */
  readonly ratePerS?: number
}

export interface SimulationOptions {
  readonly policy: PolicyFactory
  /** A whole number: all randomness comes of it. Default 1. */
  readonly seed?: number
  /** In the order of their slots. */
  readonly backends: readonly BackendModel[]
  readonly traffic: Traffic
  /** Gateways before these backends, each of which knows only of its own requests; default 1. */
  readonly gateways?: number
  /** Configuration of the gateways; default: all defaults. */
  readonly settings?: Settings
  /** Whether the gateways probe; default: they do. Without probes backends are judged by their answers alone. */
  readonly probes?: boolean
  /** The way from a gateway to a backend and back, in ms; default 1. */
  readonly networkMs?: number
  /** How long requests are made, in ms. Those that are under way then are waited for. */
  readonly durationMs: number
  /** Time at the beginning that does not count, in ms; default 0. */
  readonly warmUpMs?: number
  readonly changes?: readonly Change[]
}

/** So long requests are waited for that were made in time, in ms. */
const DRAIN_MS = 120_000

const DEFAULT_NETWORK_MS = 1

const NO_KEY = -1

/** Plays a simulation. Throws for options that cannot be played, and for settings that are not allowed. */
export async function simulate (options: SimulationOptions): Promise<SimulationResult> {
  assertPlayable(options)
  return new Simulation(options).run()
}

class Simulation {
  readonly #options: SimulationOptions
  readonly #clock = new VirtualClock()
  readonly #backends: readonly ModelledBackend[]
  readonly #gateways: readonly SimulatedGateway[]
  readonly #measures: Measures
  readonly #clients: Clients
  readonly #patience: TimeoutQueue | undefined
  readonly #random: () => number
  readonly #drawKey: ((random: () => number) => number) | undefined
  readonly #makers = { safe: new RequestMaker('GET'), unsafe: new RequestMaker('POST') }
  #underWay = 0

  constructor (options: SimulationOptions) {
    const { seed = 1, backends, gateways = 1, policy, settings = {}, networkMs = DEFAULT_NETWORK_MS, durationMs, warmUpMs = 0, traffic } = options
    const { keys, patienceMs } = traffic
    const clock = this.#clock
    const config = configOf(settings)
    this.#options = options
    this.#random = seededRandom(seed, 'clients')
    this.#backends = backends.map((model, index) => new ModelledBackend(model, { url: urlOf(index), clock, random: seededRandom(seed, `backend ${index}`) }))
    this.#gateways = Array.from({ length: gateways }, (_, index) => new SimulatedGateway({
      clock, random: seededRandom(seed, `gateway ${index}`), backends: this.#backends, policy, config, networkMs
    }))
    this.#measures = new Measures({ fromMs: warmUpMs, untilMs: durationMs, keys: keys?.count ?? 0 })
    this.#clients = new Clients({ clock, random: seededRandom(seed, 'arrivals'), send: (client, onEnd) => this.#send(client, onEnd) })
    this.#drawKey = keys === undefined ? undefined : keyDraw(keys)
    if (patienceMs !== undefined) this.#patience = new TimeoutQueue(patienceMs, clock.nowMs, clock.after)
  }

  async run (): Promise<SimulationResult> {
    const { traffic, durationMs, warmUpMs = 0, changes = [], probes = true } = this.#options
    for (const gateway of this.#gateways) gateway.start(probes)
    for (const change of changes) this.#clock.at(change.atMs, () => this.#change(change))
    this.#clients.start(traffic.arrivals)
    await this.#clock.run(warmUpMs)
    for (const backend of this.#backends) backend.resetMeasures()
    await this.#clock.run(durationMs)
    this.#clients.stop()
    const backends = this.#backends.map(({ spec: { url, weight = 1 }, measures }) => ({ url, weight, ...measures }))
    await this.#clock.run(durationMs + DRAIN_MS, () => this.#underWay > 0)
    for (const gateway of this.#gateways) gateway.stop()
    const policy = this.#gateways[0]?.pool.policy.name ?? ''
    return this.#measures.result({ policy, backends, hedges: this.#gateways.reduce((sum, { hedges }) => sum + hedges, 0) })
  }

  #change ({ backends = [], state, ratePerS }: Change): void {
    if (ratePerS !== undefined) this.#clients.setRate(ratePerS)
    if (state !== undefined) for (const index of backends) this.#backends[index]?.change(state)
  }

  #send (client: number, onEnd: () => void): void {
    const random = this.#random
    const { unsafeShare = 0 } = this.#options.traffic
    const startMs = this.#clock.nowMs()
    const key = this.#drawKey?.(random) ?? NO_KEY
    const maker = unsafeShare > 0 && random() < unsafeShare ? this.#makers.unsafe : this.#makers.safe
    const number = client < 0 ? Math.floor(random() * this.#gateways.length) : client % this.#gateways.length
    const gateway = this.#gateways[number]
    if (gateway === undefined) return
    let patience: Deadline | undefined = undefined
    this.#underWay++
    this.#measures.began(startMs)
    const request = gateway.handle(maker.request(key), (ended) => {
      this.#underWay--
      patience?.clear()
      this.#measures.ended(ended, key, startMs, this.#clock.nowMs())
      onEnd()
    })
    if (this.#patience !== undefined && !request.isEnded) patience = Deadline.started(this.#patience, () => request.leave())
  }
}

function assertPlayable ({ backends, gateways = 1, durationMs, warmUpMs = 0, traffic: { arrivals } }: SimulationOptions): void {
  const faults = [
    ...backends.flatMap(({ servers }, index) => servers >= 1 ? [] : [`backends[${index}].servers: ${servers} is less than 1`]),
    ...Number.isInteger(gateways) && gateways >= 1 ? [] : [`gateways: ${gateways} is not a whole number above 0`],
    ...durationMs > warmUpMs && durationMs < Infinity ? [] : [`durationMs: ${durationMs} is not more than warmUpMs: ${warmUpMs}`],
    ...'ratePerS' in arrivals && !(arrivals.ratePerS >= 0 && arrivals.ratePerS < Infinity) ? [`traffic.arrivals.ratePerS: ${arrivals.ratePerS} is not a number of 0 or more`] : []
  ]
  if (faults.length > 0) throw new RangeError(faults.join('; '))
}

/** The URL of a backend of a simulation. */
function urlOf (index: number): string {
  return `http://backend-${index + 1}.test:8080`
}
