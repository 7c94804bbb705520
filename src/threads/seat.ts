/** The place of one worker: the thread that is in it, what state that is in, and when a thread was last put there. */
import { extname } from 'node:path'
import { clearTimeout, setTimeout } from 'node:timers'
import { Worker } from 'node:worker_threads'
import type { WorkerStatus } from '../../plugins/admin.ts'
import { Backoff } from './backoff.ts'
import { type Heartbeats, Watch } from './heartbeats.ts'
import { isToSupervisor, type ToSupervisor, type ToWorker, type WorkerOrder } from './messages.ts'

export interface SeatOptions {
  readonly order: WorkerOrder
  readonly heartbeats: Heartbeats
  readonly onMessage: (seat: Seat, message: ToSupervisor) => void
  /** The thread has ended, for good: nothing of it runs any more. */
  readonly onEnd: (seat: Seat, reason: string) => void
}

export class Seat {
  /** Its number, from 1 on, which is that of its row too. */
  readonly number: number
  readonly #options: SeatOptions
  readonly #backoff = new Backoff()
  #thread: Worker | undefined
  #watch: Watch | undefined
  #state: WorkerStatus['state'] = 'starting'
  #sinceMs = Date.now()
  #startedMs = 0
  #starts = 0
  #reason: string | undefined
  /** Whether all plugins of the thread are loaded. */
  isReady = false
  /** Whether the thread has been told to listen. */
  isAdmitted = false
  /** Whether the thread was told to stop, and has finished its requests. */
  hasStopped = false
  /** Whether the thread is being ended. */
  isDoomed = false
  #deadline: NodeJS.Timeout | undefined

  constructor (options: SeatOptions) {
    this.#options = options
    this.number = options.order.worker
  }

  get state (): WorkerStatus['state'] {
    return this.#state
  }

  set state (state: WorkerStatus['state']) {
    if (this.#state !== state) this.#sinceMs = Date.now()
    this.#state = state
  }

  /** Why the thread has ended, or is about to; empty while nothing speaks for that. */
  get reason (): string {
    return this.#reason ?? ''
  }

  get isOccupied (): boolean {
    return this.#thread !== undefined
  }

  /** Puts a new thread into it; if the system has none to give, that is the thread's end. */
  start (): void {
    const { heartbeats } = this.#options
    this.#starts++
    this.#startedMs = performance.now()
    this.#reason = undefined
    this.isReady = false
    this.isAdmitted = false
    this.hasStopped = false
    this.isDoomed = false
    this.state = 'starting'
    this.#watch = new Watch(heartbeats, this.number)
    try {
      this.#run()
    } catch (error) {
      this.noteReason(`no thread could be started: ${error instanceof Error ? error.message : String(error)}`)
      this.#ended(1)
    }
  }

  tell (message: ToWorker): void {
    this.#thread?.postMessage(message)
  }

  /** The first reason is the one that is told when the thread has ended. */
  noteReason (reason: string): void {
    this.#reason ??= reason
  }

  /** Ends the thread at once. */
  terminate (reason: string): void {
    this.noteReason(reason)
    this.isDoomed = true
    void this.#thread?.terminate()
  }

  /** Calls this, unless the thread ends within `delayMs`. */
  unlessEndedIn (delayMs: number, onLate: () => void): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(onLate, delayMs)
  }

  /** How many looks in a row have seen no sign of life of the thread. */
  look (): number {
    return this.#watch?.look() ?? 0
  }

  /** How long to wait before a new thread is put here, in ms. Once an end. */
  delayMs (): number {
    return this.#backoff.delayMs(performance.now() - this.#startedMs)
  }

  status (): WorkerStatus {
    return { worker: this.number, state: this.#state, restarts: Math.max(0, this.#starts - 1), since: new Date(this.#sinceMs).toISOString() }
  }

  #run (): void {
    const { order, onMessage } = this.#options
    const thread = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), { workerData: order, name: `fastlancer-${this.number}` })
    this.#thread = thread
    thread.on('message', (message: unknown) => { if (isToSupervisor(message)) onMessage(this, message) })
    thread.on('messageerror', () => {})
    thread.on('error', (error: unknown) => this.noteReason(error instanceof Error ? error.message : String(error)))
    thread.on('exit', (code) => this.#ended(code))
  }

  #ended (code: number): void {
    clearTimeout(this.#deadline)
    this.#thread = undefined
    this.#watch = undefined
    this.isReady = false
    this.noteReason(`it ended by itself (exit code ${code})`)
    this.#options.onEnd(this, this.reason)
  }
}
