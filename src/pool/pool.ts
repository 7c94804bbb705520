/**
 * A pool: a named set of backends with one policy. Which of them may be picked is worked out when that changes, never when a
 * request comes.
 */
import { type ArrangementRules, Arranger } from './arrangement.ts'
import { Backend, type BackendSpec, type BackendStatus } from './backend.ts'
import { Board } from './board.ts'
import { Counters } from './counters.ts'
import { explainPick, type PickExplanation } from './explain.ts'
import { Gate } from './gate.ts'
import { roundRobin } from './policies/round-robin.ts'
import type { AttemptResult, PickContext, Policy, PolicyFactory } from './policy.ts'
import { type ReadingOptions, Readings } from './readings.ts'
import { CURSOR_RETRY, NOTES, REASON_FULL, REASONS_OF_HEALTH } from './slots.ts'
import { pickUntried } from './untried.ts'
import { Verdicts } from './verdicts.ts'

export interface PoolOptions extends ReadingOptions {
  readonly name: string
  /** Each origin once. */
  readonly backends: readonly BackendSpec[]
  /** Now, in ms since the epoch. */
  readonly nowMs: number
  /** Default: round-robin. */
  readonly policy?: PolicyFactory
  /** Default: backups step in when no other backend is left, and there is no panic. */
  readonly rules?: ArrangementRules
  /** Default: counters of its own, for one thread. */
  readonly counters?: Counters
  /** Default: a board of its own, for one thread. */
  readonly board?: Board
  /** From 0 (included) to 1 (not included). */
  readonly random: () => number
  /** A monotonic clock, in ms. */
  readonly monotonicMs: () => number
  /** Whether backends may ask in their answers to be drained; default: yes. */
  readonly drainsByAnswer?: boolean
}

/** Who looks at what becomes of attempts. */
export interface AttemptWatcher {
  attemptEnded (backend: Backend, result: AttemptResult): void
  /** An attempt has become a tunnel; its end is told as well, with the same status. */
  switched (backend: Backend): void
}

/** What `GET /-/status` says of a pool. */
export interface PoolStatus {
  readonly name: string
  readonly policy: string
  /** Whether so few backends are available that verdicts on them are not believed. */
  readonly panicking: boolean
  readonly backends: readonly BackendStatus[]
}

/** A request of which nothing is known. */
const UNTRIED: PickContext = { tried: [], keyHash: 0 }

const DEFAULT_RULES: ArrangementRules = { minGroupRatio: 0, panicRatio: 0 }

export class Pool {
  readonly name: string
  readonly backends: readonly Backend[]
  readonly counters: Counters
  readonly board: Board
  /** Closed from the moment the gateway listens until the first round of probes has ended. */
  readonly gate: Gate
  /** What is decided of the backends besides. */
  readonly verdicts: Verdicts
  /** Told of every attempt that is over; default: nobody. */
  watcher: AttemptWatcher | undefined = undefined
  readonly #options: PoolOptions
  readonly #arranger: Arranger
  readonly #readings: Readings
  #policy: Policy
  #active: readonly Backend[] = []
  #spare: readonly Backend[] = []
  #isPanicking = false

  constructor (options: PoolOptions) {
    const { name, backends, nowMs, rules = DEFAULT_RULES, policy = roundRobin } = options
    const { counters = new Counters({ capacity: backends.length }), board = new Board({ capacity: backends.length }) } = options
    counters.assertRoomFor(backends.length)
    this.name = name
    this.counters = counters
    this.board = board
    this.gate = new Gate(board)
    this.verdicts = new Verdicts(board, options.drainsByAnswer)
    this.backends = backends.map((spec, slot) => new Backend(spec, slot, { board, counters }, nowMs))
    this.#options = options
    this.#arranger = new Arranger(this.backends, rules)
    this.#readings = new Readings(this.backends, board, options)
    this.#policy = this.#made(policy)
    this.#rebuild()
  }

  get policy (): Policy {
    return this.#policy
  }

  /** The backends that are picked from, in the pool's order. */
  get available (): readonly Backend[] {
    this.#lookAtBoard()
    return this.#active
  }

  /** Whether so few backends are available that verdicts on them are not believed. */
  get isPanicking (): boolean {
    this.#lookAtBoard()
    return this.#isPanicking
  }

  /** Whether nothing is left to pick from, but something would be if it had not as much in flight as it may have. */
  get isFull (): boolean {
    return this.available.length === 0 && this.isFullBesides([])
  }

  /** Whether a backend that is not in `tried` has as much in flight as it may have, and nothing else speaks against it. */
  isFullBesides (tried: readonly Backend[]): boolean {
    this.#lookAtBoard()
    const ignored = this.#isPanicking ? NOTES | REASONS_OF_HEALTH : NOTES
    return this.backends.some((backend) => (backend.reasons & ~ignored) === REASON_FULL && !tried.includes(backend))
  }

  /** Changes the policy, from the next pick on. What the one before has learnt is lost. */
  usePolicy (factory: PolicyFactory): void {
    this.#policy = this.#made(factory)
    this.#rebuild()
  }

  /** Whether a backend is among those that may be picked, in its group's turn or not. */
  mayPick (backend: Backend): boolean {
    this.#lookAtBoard()
    return backend.position >= 0
  }

  /** Whether there is a backend to pick that is not in `tried`. */
  hasLeft (tried: readonly Backend[]): boolean {
    this.#lookAtBoard()
    let left = this.#active.length + this.#spare.length
    for (const { position } of tried) if (position >= 0) left--
    return left > 0
  }

  /** A backend for the next attempt, or undefined if none is left. */
  pick (context: PickContext): Backend | undefined {
    this.#lookAtBoard()
    const picked = this.#policy.pick(context)
    if (picked !== undefined || this.#spare.length === 0) return picked
    return pickUntried(this.#spare, this.#active.length, context.tried, this.counters.advance(CURSOR_RETRY))
  }

  /**
   * An attempt is about to be sent to a backend. False if it has as many in flight as it may: it must not be sent then. Otherwise
   * `ended` has to follow, in any case.
   */
  begin (backend: Backend): boolean {
    // It may have been picked some time ago, and have come to be on trial since.
    this.#lookAtBoard()
    const { slot, limit } = backend
    if (limit === 0) this.counters.attemptStarted(slot)
    else if (!this.#beginWithin(backend)) return false
    this.#policy.attemptStarted?.(backend)
    return true
  }

  /** The attempt is over, in whichever way; the arguments are those of `Policy.attemptEnded`. */
  ended (backend: Backend, latencyMs: number, result: AttemptResult): void {
    this.counters.attemptEnded(backend.slot)
    if (backend.limit !== 0) this.#readings.lookForRoom(backend)
    this.#policy.attemptEnded?.(backend, latencyMs, result)
    this.watcher?.attemptEnded(backend, result)
  }

  /** The attempt has become a tunnel: `ended` follows when that is closed. */
  switched (backend: Backend): void {
    this.watcher?.switched(backend)
  }

  /** Whether the share of a backend is still growing: then `refresh` has to be called from time to time. */
  get isWarming (): boolean {
    this.#lookAtBoard()
    return this.backends.some(({ ramp }) => ramp < 1)
  }

  /** Works everything out anew. */
  refresh (): void {
    this.#rebuild()
  }

  /** A thread has ended: gives back what it had in flight, and what it may have left undone. `row`: that of its counters. */
  threadEnded (row: number): void {
    this.counters.releaseRow(row)
    // It may have changed a reason and not come to saying so.
    this.board.announce()
    this.#rebuild()
    for (const backend of this.backends) this.#readings.lookForRoom(backend)
  }

  /** How `pick(context)` would choose from now, for people; by default for a request that has tried nobody, with a key of 0. Nothing is picked. */
  explain (context: PickContext = UNTRIED): PickExplanation {
    return explainPick(this, context)
  }

  status (): PoolStatus {
    return { name: this.name, policy: this.policy.name, panicking: this.isPanicking, backends: this.backends.map((backend) => backend.status()) }
  }

  #made (factory: PolicyFactory): Policy {
    const { random, monotonicMs: nowMs } = this.#options
    return factory({ counters: this.counters, random, nowMs })
  }

  #beginWithin (backend: Backend): boolean {
    const { slot, limit } = backend
    const isWithin = this.counters.attemptStartedWithin(slot, limit)
    if (isWithin && this.counters.inFlight(slot) < limit) return true
    this.board.set(slot, REASON_FULL)
    // What ended in the meantime found nothing to clear.
    this.#readings.lookForRoom(backend)
    return isWithin
  }

  /** All that a request pays for what may have changed, in this thread or another: one word is read. */
  #lookAtBoard (): void {
    if (this.#readings.areOld) this.#rebuild()
  }

  #rebuild (): void {
    this.#readings.take()
    const { active, spare, isPanicking } = this.#arranger.arrange(this.#readings.reasons)
    let position = 0
    for (const backend of active) backend.position = position++
    for (const backend of spare) backend.position = position++
    this.#active = active
    this.#spare = spare
    this.#isPanicking = isPanicking
    this.#policy.rebuild(active, this.backends)
  }
}
