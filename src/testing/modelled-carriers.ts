/** The connections of a gateway to a modelled backend: kept ones are used again, and end with the backend's process. */
import { UpstreamConnectFailedError, UpstreamResetError } from '../errors.ts'
import type { Carrier, CarrierListener, Carriers, UpstreamRequest } from '../upstream/carrier.ts'
import type { FieldList } from '../wire/fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { keyOf } from './made-request.ts'
import type { BackendCall, ModelledBackend } from './modelled-backend.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** As the connections of HTTP/1.1 have it, in ms. */
const KEEP_ALIVE_MS = 4_000

export interface ModelledCarriersOptions {
  readonly backend: ModelledBackend
  readonly clock: VirtualClock
  /** The way there and back, in ms. */
  readonly networkMs: number
}

const NO_TRAILERS: FieldList = []

export class ModelledCarriers implements Carriers {
  readonly #options: ModelledCarriersOptions
  #idle = 0
  #lastUsedMs = 0
  /** Which of the backend's processes the idle ones lead to. */
  #starts = 0

  constructor (options: ModelledCarriersOptions) {
    this.#options = options
  }

  get size (): number {
    return this.#idle
  }

  take (nowMs: number): Carrier {
    const isKept = this.#idle > 0 && this.#starts === this.#options.backend.starts && nowMs - this.#lastUsedMs < KEEP_ALIVE_MS
    if (!isKept) {
      this.#idle = 0
      return this.takeNew()
    }
    this.#idle--
    return new ModelledCarrier(this.#options, true)
  }

  takeForTunnel (): Carrier {
    return this.takeNew()
  }

  takeNew (): Carrier {
    return new ModelledCarrier(this.#options, false)
  }

  release (carrier: Carrier, nowMs: number): void {
    if (!(carrier instanceof ModelledCarrier) || !carrier.isReusable) return
    const { starts } = this.#options.backend
    if (this.#starts !== starts) this.#idle = 0
    this.#starts = starts
    this.#idle++
    this.#lastUsedMs = nowMs
  }

  close (): void {
    this.#idle = 0
  }
}

class ModelledCarrier implements Carrier, BackendCall {
  readonly isUsed: boolean
  key = -1
  /** Whether its exchange is over, and well. */
  isReusable = false
  readonly #options: ModelledCarriersOptions
  #listener: CarrierListener | undefined

  constructor (options: ModelledCarriersOptions, isUsed: boolean) {
    this.#options = options
    this.isUsed = isUsed
  }

  send (request: UpstreamRequest, listener: CarrierListener): void {
    const { backend, clock, networkMs } = this.#options
    this.key = keyOf(request.target)
    this.#listener = listener
    backend.measures.attempts++
    // What a kept connection is given is on its way; a new one has to be open before.
    if (this.isUsed) listener.onSent()
    clock.later(networkMs, () => this.#arrives())
  }

  pause (): void {}

  resume (): void {}

  abort (): void {
    this.#listener = undefined
    this.#options.backend.leave(this)
  }

  answered (status: number): void {
    this.#listener?.onHead(headOf(status))
    // Not if the answer was not wanted.
    this.isReusable = this.#listener !== undefined
    this.#listener?.onEnd(NO_TRAILERS)
  }

  cut (): void {
    this.#listener?.onError(new UpstreamResetError())
  }

  #arrives (): void {
    const { backend } = this.#options
    if (this.#listener === undefined && backend.noticesLeavers) return
    if (backend.mode !== 'refuses') {
      if (!this.isUsed) this.#listener?.onSent()
      backend.take(this)
    } else if (this.isUsed) this.cut()
    else this.#listener?.onError(new UpstreamConnectFailedError())
  }
}

const heads = new Map<number, ResponseHead>()

function headOf (statusCode: number): ResponseHead {
  const known = heads.get(statusCode)
  if (known !== undefined) return known
  const head: ResponseHead = {
    statusCode,
    statusText: '',
    fields: [],
    isAscii: true,
    hasRepeats: false,
    contentType: undefined,
    framing: 'none',
    contentLength: -1,
    keepsConnection: true,
    upgrade: undefined,
    trailer: undefined,
    drains: false
  }
  heads.set(statusCode, head)
  return head
}
