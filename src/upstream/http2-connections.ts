/** The sessions of HTTP/2 with one backend: a new one is opened only when the others are full. */
import type { BackendAddress } from './backend-address.ts'
import type { Carrier, Carriers } from './carrier.ts'
import type { SocketOptions } from './connector.ts'
import { Http2Exchange } from './http2-exchange.ts'
import { Http2Session } from './http2-session.ts'

/**
 * How many sessions on which the backend takes nothing for now may be open before exchanges wait on one. A backend may close one
 * connection in this way and serve others; one that does it again would do it on each.
 */
const MAX_ON_HOLD = 2

export interface Http2ConnectionsOptions extends SocketOptions {
  /** How long a session that was silent for too long may take to show that it is alive, in ms. */
  readonly pingTimeoutMs?: number
}

export class Http2Connections implements Carriers {
  readonly #address: BackendAddress
  readonly #options: Http2ConnectionsOptions
  readonly #sessions = new Set<Http2Session>()

  constructor (address: BackendAddress, options: Http2ConnectionsOptions) {
    this.#address = address
    this.#options = options
  }

  get size (): number {
    return this.#sessions.size
  }

  /** The first session with room: so the later ones grow idle and close. What a session refuses unprocessed is sent again safely. */
  take (): Http2Exchange {
    return this.#exchangeOn(this.#withRoom() ?? this.#other())
  }

  /** There are no tunnels in HTTP/2: such a request goes as an ordinary one. */
  takeForTunnel (): Http2Exchange {
    return this.take()
  }

  /** A session that has ended has no room, so this is another one; best one that has carried nothing yet. All who need one share it. */
  takeNew (): Http2Exchange {
    let session: Http2Session | undefined
    for (const one of this.#sessions) {
      if (one.hasRoom && (session === undefined || session.isUsed)) session = one
    }
    return this.#exchangeOn(session ?? this.#other(), true)
  }

  release (carrier: Carrier): void {
    if (carrier instanceof Http2Exchange) carrier.session.streams--
  }

  close (): void {
    for (const session of this.#sessions) session.destroy()
  }

  #withRoom (): Http2Session | undefined {
    for (const session of this.#sessions) {
      if (session.hasRoom) return session
    }
    return undefined
  }

  /** A new session. Where that would not help, one to wait on: Node sends when the backend takes exchanges again, unless a timeout comes first. */
  #other (): Http2Session {
    const onHold = [...this.#sessions].filter(({ isOnHold }) => isOnHold)
    return (onHold.length < MAX_ON_HOLD ? undefined : onHold.at(-1)) ?? this.#open()
  }

  #open (): Http2Session {
    const session = new Http2Session(this.#address, { ...this.#options, onGone: (gone) => this.#sessions.delete(gone) })
    this.#sessions.add(session)
    return session
  }

  #exchangeOn (session: Http2Session, isSecondTry = false): Http2Exchange {
    session.streams++
    return new Http2Exchange(this.#address, session, isSecondTry)
  }
}
