/** All workers: started together, told on which port to listen, watched, replaced when they end unasked, and stopped together. */
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers'
import type { FastifyBaseLogger } from 'fastify'
import type { Workers, WorkerStatus } from '../../plugins/admin.ts'
import { WorkersFailedError } from '../errors.ts'
import type { BackendEvent } from '../health/events.ts'
import type { Heartbeats } from './heartbeats.ts'
import type { ToSupervisor, ToWorker, Verdict, WorkerOrder } from './messages.ts'
import { Seat } from './seat.ts'

export interface CrewOptions {
  /** How many workers. */
  readonly count: number
  /** What each of them is started with, but for its number. */
  readonly order: Omit<WorkerOrder, 'worker'>
  readonly heartbeats: Heartbeats
  readonly host: string
  readonly port: number
  /** Time without a sign of life after which a worker that listens is replaced, in ms; 0: never. */
  readonly blockedMs: number
  /** Time that requests in flight have when a worker ends, in ms. */
  readonly shutdownMs: number
  readonly log: FastifyBaseLogger
  /** Asked again when the first worker is about to listen, and none does: fails if the port is somebody else's. */
  readonly assertPortIsFree: () => Promise<void>
  /** What is known of the backends, for a worker that has just been loaded. */
  readonly verdicts: () => readonly Verdict[]
  /** A worker has found something out about a backend. */
  readonly onEvent: (event: BackendEvent) => void
  /** The first worker listens. */
  readonly onListening: () => void
  /** A worker's thread has ended: what it held of the shared memory is to be given back. */
  readonly onRelease: (row: number) => void
}

/** How often the signs of life are looked at, in ms. */
const LOOK_INTERVAL_MS = 1_000

/** A worker that loads may be busy with that for a while: looks without a sign of life that it is given at least. */
const LOADING_LOOKS = 60

/** Time beyond that for requests in flight in which a worker has to end, in ms. */
const END_MARGIN_MS = 5_000

export class Crew implements Workers {
  readonly #options: CrewOptions
  readonly #seats: readonly Seat[]
  /** Those of which it is not known yet whether they come to listen. */
  readonly #undecided: Set<Seat>
  readonly #start = Promise.withResolvers<string>()
  readonly #end = Promise.withResolvers<void>()
  readonly #restarts = new Map<Seat, NodeJS.Timeout>()
  /** Those that hang in a call to the system: nothing ends such a thread. */
  readonly #stuck = new Set<Seat>()
  /** The one whose answer tells the others the port. */
  #first: Seat | undefined
  #port: number | undefined
  #address = ''
  #firstFailure: string | undefined
  #look: NodeJS.Timeout | undefined
  #isStopping = false
  #isClean = true

  constructor (options: CrewOptions) {
    this.#options = options
    const { order, heartbeats, count } = options
    this.#seats = Array.from({ length: count }, (_, index) => new Seat({
      order: { ...order, worker: index + 1 },
      heartbeats,
      onMessage: (seat, message) => this.#heard(seat, message),
      onEnd: (seat, reason) => this.#ended(seat, reason)
    }))
    this.#undecided = new Set(this.#seats)
  }

  /** Starts all of them. The address, as soon as each listens or has failed; fails, with the reason of the first, if none listens. */
  async start (): Promise<string> {
    for (const seat of this.#seats) seat.start()
    this.#look = setInterval(() => this.#lookAtAll(), LOOK_INTERVAL_MS)
    return await this.#start.promise
  }

  /** How many listen. */
  get listening (): number {
    return this.#seats.filter(({ state }) => state === 'listening').length
  }

  /** Whether a thread cannot be ended: the process cannot end either then, for it waits for all its threads. */
  get isStuck (): boolean {
    return this.#stuck.size > 0
  }

  status (): readonly WorkerStatus[] {
    return this.#seats.map((seat) => seat.status())
  }

  notReadyReason (): string | undefined {
    if (this.#isStopping) return 'shutting down'
    if (this.#undecided.size > 0) return `not listening yet: ${this.listening} of ${this.#seats.length} workers do`
    return this.listening === 0 ? 'no worker listens: each is being started anew' : undefined
  }

  /** To every worker that is loaded. */
  tell (message: ToWorker): void {
    for (const seat of this.#seats) if (seat.isReady) seat.tell(message)
  }

  /** Ends all of them; requests in flight have their time. True if nothing had to be cut. */
  async stop (): Promise<boolean> {
    this.#quit()
    for (const seat of this.#seats) {
      if (seat.state === 'listening') seat.state = 'stopping'
      if (!seat.isOccupied) seat.state = 'stopped'
      else if (seat.isReady) {
        seat.tell({ type: 'stop', timeoutMs: this.#options.shutdownMs })
        this.#limitEnd(seat)
      // One that is still loading has no requests.
      } else seat.terminate('it was still loading')
    }
    this.#settleEnd()
    await this.#end.promise
    return this.#isClean && !this.isStuck
  }

  /** Ends all of them at once. */
  async abandon (): Promise<void> {
    this.#quit()
    for (const seat of this.#seats) seat.terminate('the start has failed')
    this.#settleEnd()
    await this.#end.promise
  }

  /** From now on nobody is replaced. */
  #quit (): void {
    this.#isStopping = true
    clearInterval(this.#look)
    for (const timer of this.#restarts.values()) clearTimeout(timer)
    this.#restarts.clear()
  }

  #heard (seat: Seat, message: ToSupervisor): void {
    switch (message.type) {
      case 'ready':
        seat.isReady = true
        for (const verdict of this.#options.verdicts()) seat.tell(verdict)
        this.#admit()
        break
      case 'listening':
        this.#listens(seat, message.address, message.port)
        break
      case 'failed':
        seat.noteReason(message.reason)
        if (seat.state === 'listening') seat.state = 'stopping'
        this.#limitEnd(seat)
        break
      case 'backend':
        this.#options.onEvent(message.event)
        break
      case 'stopped':
        seat.hasStopped = message.isClean
        seat.noteReason('it was told to')
    }
  }

  /** A worker that ends has the time of its requests for that, and not much more. */
  #limitEnd (seat: Seat): void {
    seat.unlessEndedIn(this.#options.shutdownMs + END_MARGIN_MS, () => {
      this.#options.log.error({ worker: seat.number }, 'a worker did not end in time: it is ended at once')
      this.#terminate(seat, 'it did not end in time')
    })
  }

  #terminate (seat: Seat, reason: string): void {
    seat.terminate(reason)
    seat.unlessEndedIn(END_MARGIN_MS, () => {
      this.#stuck.add(seat)
      this.#options.log.error({ worker: seat.number, reason: seat.reason }, 'a worker cannot be ended: it hangs in the system, as do its connections: restart the gateway')
      this.#settleEnd()
    })
  }

  /** Has those listen that are loaded: one first, which comes to know the port if that is any, then the others on the same. */
  #admit (): void {
    for (const seat of this.#seats) {
      if (!seat.isReady || seat.isAdmitted || this.#isStopping) continue
      if (this.#port !== undefined) this.#letListen(seat, this.#port)
      else if (this.#first === undefined) void this.#admitFirst(seat)
    }
  }

  /** Loading takes a while, in which another gateway may have come to the port: as workers share it, nothing else would tell. */
  async #admitFirst (seat: Seat): Promise<void> {
    this.#first = seat
    try {
      await this.#options.assertPortIsFree()
    } catch (error) {
      this.#start.reject(error)
      return
    }
    if (this.#first === seat && !this.#isStopping) this.#letListen(seat, this.#options.port)
  }

  #letListen (seat: Seat, port: number): void {
    seat.isAdmitted = true
    seat.tell({ type: 'listen', host: this.#options.host, port })
  }

  #listens (seat: Seat, address: string, port: number): void {
    if (this.#isStopping) return
    seat.state = 'listening'
    if (this.#port === undefined) {
      this.#port = port
      this.#address = address
      this.#options.onListening()
      this.#admit()
    }
    this.#decide(seat)
    if (seat.status().restarts > 0) this.#options.log.info({ worker: seat.number }, 'worker listens again')
  }

  #ended (seat: Seat, reason: string): void {
    this.#stuck.delete(seat)
    this.#options.onRelease(seat.number)
    if (this.#first === seat) this.#first = undefined
    if (this.#isStopping) {
      if (seat.state === 'stopping' && !seat.hasStopped) this.#isClean = false
      seat.state = 'stopped'
      this.#settleEnd()
      return
    }
    seat.state = 'failed'
    this.#firstFailure ??= reason
    // While it is open whether any of them listens, none is replaced: what fails in all of them stops the start.
    if (this.#undecided.size === 0) this.#replace(seat, reason)
    else this.#decide(seat)
    this.#admit()
  }

  #decide (seat: Seat): void {
    if (!this.#undecided.delete(seat) || this.#undecided.size > 0) return
    if (this.listening === 0) {
      this.#start.reject(new WorkersFailedError(this.#firstFailure ?? 'no worker has been started'))
      return
    }
    this.#start.resolve(this.#address)
    for (const one of this.#seats) if (one.state === 'failed') this.#replace(one, one.reason)
  }

  #replace (seat: Seat, reason: string): void {
    const restartInMs = seat.delayMs()
    this.#options.log.error({ worker: seat.number, reason, restartInMs }, 'worker ended: it is started anew')
    this.#restarts.set(seat, setTimeout(() => {
      this.#restarts.delete(seat)
      seat.start()
    }, restartInMs))
  }

  #lookAtAll (): void {
    const { blockedMs } = this.#options
    if (blockedMs === 0) return
    for (const seat of this.#seats) {
      if (seat.isDoomed) continue
      const allowed = Math.ceil(blockedMs / LOOK_INTERVAL_MS)
      const looks = seat.look()
      if (looks > (seat.isReady ? allowed : Math.max(allowed, LOADING_LOOKS))) {
        seat.state = 'failed'
        this.#terminate(seat, `no sign of life for ${looks} s: its event loop is blocked (WORKER_BLOCKED_TIMEOUT_MS)`)
      }
    }
  }

  #settleEnd (): void {
    if (this.#seats.every((seat) => !seat.isOccupied || this.#stuck.has(seat))) this.#end.resolve()
  }
}
