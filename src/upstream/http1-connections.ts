/** The connections of HTTP/1.1 to one backend. Free ones are kept in a list, last used first, so that those not needed grow old and close. */
import type { BackendAddress } from './backend-address.ts'
import type { Carrier, Carriers } from './carrier.ts'
import type { SocketOptions } from './connector.ts'
import { Http1Connection } from './http1-connection.ts'

/**
 * A request that must not be sent twice is sent only on a connection used less than this ago, in ms: backends close unused
 * connections after seconds, and one that closes as we send could leave such a request with no answer and no second try.
 */
const FRESH_ENOUGH_MS = 1_000

/** How long an unused connection is kept, in ms: less than the keep-alive time of any usual backend (Node: 5 s). */
const KEEP_ALIVE_MS = 4_000

export class Http1Connections implements Carriers {
  readonly #address: BackendAddress
  readonly #options: SocketOptions
  readonly #all = new Set<Http1Connection>()
  #top: Http1Connection | undefined
  #bottom: Http1Connection | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (address: BackendAddress, options: SocketOptions) {
    this.#address = address
    this.#options = options
  }

  get size (): number {
    return this.#all.size
  }

  take (nowMs: number, mayRepeat: boolean): Http1Connection {
    const top = this.#top
    const maxAgeMs = mayRepeat ? KEEP_ALIVE_MS : FRESH_ENOUGH_MS
    if (top === undefined || nowMs - top.idleSinceMs >= maxAgeMs) return this.takeNew()
    this.#unlink(top)
    return top
  }

  takeNew (): Http1Connection {
    return this.#open(false)
  }

  takeForTunnel (): Http1Connection {
    return this.#open(true)
  }

  release (carrier: Carrier, nowMs: number): void {
    if (!(carrier instanceof Http1Connection) || !this.#all.has(carrier)) return
    if (!carrier.isReusable) return carrier.abort()
    carrier.isIdle = true
    carrier.idleSinceMs = nowMs
    carrier.below = this.#top
    if (this.#top === undefined) this.#bottom = carrier
    else this.#top.above = carrier
    this.#top = carrier
    this.#timer ??= setTimeout(() => this.#closeOld(), KEEP_ALIVE_MS).unref()
  }

  close (): void {
    clearTimeout(this.#timer)
    for (const connection of this.#all) connection.abort()
  }

  /** Ends those that have not been used for long; they are the last ones of the list. */
  #closeOld (): void {
    const nowMs = performance.now()
    while (this.#bottom !== undefined && nowMs - this.#bottom.idleSinceMs >= KEEP_ALIVE_MS) this.#bottom.abort()
    const oldest = this.#bottom
    this.#timer = oldest === undefined ? undefined : setTimeout(() => this.#closeOld(), KEEP_ALIVE_MS - (nowMs - oldest.idleSinceMs)).unref()
  }

  #open (mayTunnel: boolean): Http1Connection {
    const connection = new Http1Connection(this.#address, { ...this.#options, mayTunnel, onGone: (gone) => this.#forget(gone) })
    this.#all.add(connection)
    return connection
  }

  #forget (connection: Http1Connection): void {
    if (connection.isIdle) this.#unlink(connection)
    this.#all.delete(connection)
  }

  #unlink (connection: Http1Connection): void {
    if (connection.above === undefined) this.#top = connection.below
    else connection.above.below = connection.below
    if (connection.below === undefined) this.#bottom = connection.above
    else connection.below.above = connection.above
    connection.above = connection.below = undefined
    connection.isIdle = false
  }
}
