/** The sessions of HTTP/2 with one backend: a new one is opened only when the others are full. */
import type { BackendAddress } from './backend-address.ts'
import type { Carrier, Carriers } from './carrier.ts'
import type { SocketOptions } from './connector.ts'
import { Http2Exchange } from './http2-exchange.ts'
import { Http2Session } from './http2-session.ts'

export class Http2Connections implements Carriers {
  readonly #address: BackendAddress
  readonly #options: SocketOptions
  readonly #sessions = new Set<Http2Session>()

  constructor (address: BackendAddress, options: SocketOptions) {
    this.#address = address
    this.#options = options
  }

  get size (): number {
    return this.#sessions.size
  }

  /** The first session with room: so the later ones grow idle and close. What a session refuses unprocessed is sent again safely. */
  take (): Http2Exchange {
    for (const session of this.#sessions) {
      if (session.hasRoom) return this.#exchangeOn(session)
    }
    return this.takeNew()
  }

  takeNew (): Http2Exchange {
    const session = new Http2Session(this.#address, this.#options, (gone) => this.#sessions.delete(gone))
    this.#sessions.add(session)
    return this.#exchangeOn(session)
  }

  release (carrier: Carrier): void {
    if (carrier instanceof Http2Exchange) carrier.session.streams--
  }

  close (): void {
    for (const session of this.#sessions) session.destroy()
  }

  #exchangeOn (session: Http2Session): Http2Exchange {
    session.streams++
    return new Http2Exchange(this.#address, session)
  }
}
