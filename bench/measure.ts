/** One scenario: all that take part are up at once, slices of load go to each in turn. */
import { type Backends, startBackends } from './backends.ts'
import { untilAnswers } from './ready.ts'
import type { Site } from './site.ts'
import { type ProcessorAccount, processorAccount, stolenRatio } from './stolen.ts'
import type { BackendKind, Entrant, Load, Missing, Peer, Result, Sample, Scenario, Target } from './types.ts'

/** Told of what goes on, in a line each. */
export type Progress = (line: string) => void

/** How backends are started. */
export type StartBackends = (site: Site, kind: BackendKind) => Promise<Backends>

/** A slice of whose processor time the host took more than this is measured again, so often at most; the one that it disturbed least counts. */
const MAX_STOLEN_RATIO = 0.05
const MAX_TRIES = 3

/** What stands behind a run, as the process has it or as a test does. */
export interface Surroundings {
  readonly start?: StartBackends
  readonly account?: () => ProcessorAccount
}

/** Measures a scenario. A peer that fails is named in the result, with the reason; the others go on. */
export async function runScenario (site: Site, scenario: Scenario, peers: readonly Peer[], asked: Load, progress: Progress, { start = startBackends, account = processorAccount }: Surroundings = {}): Promise<Result> {
  const load = { ...asked, rounds: scenario.rounds?.(asked.rounds) ?? asked.rounds }
  const { entrants, missing } = scenario.field(peers)
  const run = new Run({ site, scenario, load, progress, start, account }, [...missing])
  try {
    return await run.all(entrants)
  } finally {
    await run.end()
  }
}

/** The load that goes before the slices. */
export function warmUp (load: Load): Load {
  return { ...load, seconds: load.warmUpSeconds }
}

interface Parts {
  readonly site: Site
  readonly scenario: Scenario
  readonly load: Load
  readonly progress: Progress
  readonly start: StartBackends
  readonly account: () => ProcessorAccount
}

class Run {
  readonly #site: Site
  readonly #scenario: Scenario
  readonly #load: Load
  readonly #progress: Progress
  readonly #startBackends: StartBackends
  readonly #account: () => ProcessorAccount
  readonly #missing: Missing[]
  readonly #samples = new Map<string, Array<Sample | undefined>>()
  readonly #shared = new Map<BackendKind, Backends>()
  readonly #ownBackends: Backends[] = []
  /** Those who had a slice fail. */
  readonly #faults = new Set<string>()
  #targets: Target[] = []
  #repeated = 0

  constructor ({ site, scenario, load, progress, start, account }: Parts, missing: Missing[]) {
    this.#site = site
    this.#startBackends = start
    this.#account = account
    this.#scenario = scenario
    this.#load = load
    this.#progress = progress
    this.#missing = missing
  }

  async all (entrants: readonly Entrant[]): Promise<Result> {
    for (const entrant of entrants) await this.#take(entrant)
    for (const target of this.#targets.slice()) {
      await this.#guard(target, true, async () => await this.#prepare(target))
    }
    for (let round = 0; round < this.#load.rounds; round++) {
      this.#progress(`${this.#scenario.name}: round ${round + 1} of ${this.#load.rounds}`)
      // The other way round every other time, so that none always comes after the same one.
      for (const target of round % 2 === 0 ? this.#targets.slice() : this.#targets.toReversed()) await this.#slice(target, round)
    }
    const samples = new Map([...this.#samples].filter(([, taken]) => taken.some((sample) => sample !== undefined)))
    return { scenario: this.#scenario, load: this.#load, entrants: [...samples.keys()], missing: this.#missing, samples, repeated: this.#repeated }
  }

  /** Ends all processes of the scenario. */
  async end (): Promise<void> {
    const backends = [...this.#shared.values(), ...this.#ownBackends]
    await Promise.all([...this.#targets, ...backends].map(({ process }) => process.stop()))
  }

  async #take (entrant: Entrant): Promise<void> {
    this.#samples.set(entrant.name, [])
    try {
      this.#targets.push(await this.#start(entrant))
    } catch (error) {
      this.#miss(entrant.name, error)
    }
  }

  async #start (entrant: Entrant): Promise<Target> {
    const { peer, protocol, settings } = entrant
    const { addresses } = await this.#backendsOf(entrant.backends)
    const running = await peer.start(this.#site, { protocol, backends: addresses, settings })
    return { ...running, entrant, origin: `${protocol === 'http' ? 'http' : 'https'}://127.0.0.1:${running.port}` }
  }

  /** Three backends are shared by all. Many are an entrant's own: connections to them would be too many for one process. */
  async #backendsOf (kind: BackendKind): Promise<Backends> {
    const known = this.#shared.get(kind)
    if (known !== undefined) return known
    const backends = await this.#startBackends(this.#site, kind)
    if (typeof kind === 'number') this.#ownBackends.push(backends)
    else this.#shared.set(kind, backends)
    return backends
  }

  async #slice (target: Target, round: number): Promise<void> {
    const isLast = this.#faults.has(target.entrant.name)
    await this.#guard(target, isLast, async () => {
      const current = this.#scenario.isFresh === true && round > 0 ? await this.#renew(target) : target
      const sample = await this.#measure(current)
      const taken = this.#samples.get(target.entrant.name)
      if (taken !== undefined) taken[round] = sample
    })
  }

  /** Where each slice needs a process of its own, there is one try. */
  async #measure (target: Target): Promise<Sample> {
    const tries = this.#scenario.isFresh === true ? 1 : MAX_TRIES
    let best: Sample = { stolen: Infinity }
    for (let i = 0; i < tries && (best['stolen'] ?? 0) > MAX_STOLEN_RATIO; i++) {
      if (i > 0) this.#repeated++
      const before = this.#account()
      const sample = await this.#scenario.measure(target, this.#site, this.#load)
      const stolen = stolenRatio(before, this.#account())
      if (stolen < (best['stolen'] ?? 0)) best = { ...sample, stolen }
    }
    return best
  }

  /** A new process in the place of the old one. */
  async #renew (old: Target): Promise<Target> {
    await old.process.stop()
    const target = await this.#start(old.entrant)
    this.#targets = this.#targets.map((one) => one === old ? target : one)
    await this.#prepare(target)
    return target
  }

  async #prepare (target: Target): Promise<void> {
    await untilAnswers(target.origin, target.process, target.entrant.protocol)
    if (this.#scenario.prepare === undefined) await this.#scenario.measure(target, this.#site, warmUp(this.#load))
    else await this.#scenario.prepare(target, this.#site, this.#load)
  }

  /** Who fails is out, and named; one slice may fail, unless it `isLast`. */
  async #guard (target: Target, isLast: boolean, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (!isLast && !target.process.hasEnded) {
        this.#faults.add(target.entrant.name)
        return
      }
      this.#miss(target.entrant.name, error)
      const out = this.#targets.filter(({ entrant }) => entrant.name === target.entrant.name)
      this.#targets = this.#targets.filter((one) => !out.includes(one))
      await Promise.all(out.map(({ process }) => process.stop()))
    }
  }

  #miss (name: string, error: unknown): void {
    const reason = `failed: ${error instanceof Error ? error.message : String(error)}`
    this.#progress(`${this.#scenario.name}: ${name} ${reason}`)
    this.#missing.push({ name, reason })
  }
}
