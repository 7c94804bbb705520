/** The connections to one backend. Free ones are kept in a list, last used first, so that those not needed grow old and close. */
import { UpstreamConnection } from './connection.ts'
import type { TlsSessions } from './connector.ts'

/**
 * A request that must not be sent twice is sent only on a connection used less than this ago, in ms: backends close unused
 * connections after seconds, and one that closes as we send could leave such a request with no answer and no second try.
 */
const FRESH_ENOUGH_MS = 1_000

export class Connections {
  readonly #url: string
  readonly #connectTimeoutMs: number
  readonly #sessions: TlsSessions = {}
  readonly #all = new Set<UpstreamConnection>()
  #top: UpstreamConnection | undefined

  constructor (url: string, connectTimeoutMs: number) {
    this.#url = url
    this.#connectTimeoutMs = connectTimeoutMs
  }

  /** Connections there are, in use or not. */
  get size (): number {
    return this.#all.size
  }

  /** A free connection, or a new one. */
  take (nowMs: number, mayRepeat: boolean): UpstreamConnection {
    const top = this.#top
    if (top === undefined || !(mayRepeat || nowMs - top.idleSinceMs < FRESH_ENOUGH_MS)) return this.takeNew()
    this.#unlink(top)
    return top
  }

  /** A connection that has carried nothing yet. */
  takeNew (): UpstreamConnection {
    const connection = new UpstreamConnection({
      url: this.#url,
      connectTimeoutMs: this.#connectTimeoutMs,
      sessions: this.#sessions,
      onSocketGone: (gone) => { if (gone.isIdle) this.discard(gone) }
    })
    this.#all.add(connection)
    return connection
  }

  /** Back to the free ones after a whole exchange. */
  giveBack (connection: UpstreamConnection, nowMs: number): void {
    if (!this.#all.has(connection)) return
    connection.isIdle = true
    connection.idleSinceMs = nowMs
    connection.below = this.#top
    if (this.#top !== undefined) this.#top.above = connection
    this.#top = connection
  }

  /** Ends a connection that cannot carry anything more. With `isTunnel` its socket has a new owner. */
  discard (connection: UpstreamConnection, isTunnel = false): void {
    if (connection.isIdle) this.#unlink(connection)
    if (this.#all.delete(connection)) connection.destroy(isTunnel)
  }

  /** Ends all of them. */
  close (): void {
    for (const connection of this.#all) this.discard(connection)
  }

  #unlink (connection: UpstreamConnection): void {
    if (connection.above === undefined) this.#top = connection.below
    else connection.above.below = connection.below
    if (connection.below !== undefined) connection.below.above = connection.above
    connection.above = connection.below = undefined
    connection.isIdle = false
  }
}
