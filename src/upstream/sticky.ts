/**
 * Sticky sessions: a cookie names the backend that has answered a client before, and as long as that one is available the client's
 * requests go there, whatever the policy. The name is a keyed hash of the backend's URL: it tells nobody where the backend is, and
 * every gateway with the same secret reads it, after a restart too.
 */
import { createHmac } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { ClientReply, ClientRequest } from '../client/client-side.ts'
import type { Backend } from '../pool/backend.ts'

export interface StickyOptions {
  /** The cookie's name. */
  readonly cookie: string
  /** The same in all gateways that the client may meet; 16 characters or more. */
  readonly secret: string
  /** How long the client keeps it, in seconds; 0: as long as its session. */
  readonly maxAgeSeconds: number
  readonly backends: readonly Backend[]
}

/** 132 bits, in base64url. */
const NAME_LENGTH = 22

export class Sticky {
  readonly #options: StickyOptions
  readonly #names: ReadonlyMap<Backend, string>
  readonly #backends: ReadonlyMap<string, Backend>

  constructor (options: StickyOptions) {
    const { secret, backends } = options
    this.#options = options
    this.#names = new Map(backends.map((backend) => [backend, createHmac('sha256', secret).update(backend.url).digest('base64url').slice(0, NAME_LENGTH)]))
    this.#backends = new Map([...this.#names].map(([backend, name]) => [name, backend]))
  }

  /** The backend that a request's cookie names, available or not. */
  backendOf ({ raw }: ClientRequest): Backend | undefined {
    const { cookie } = raw.headers
    const name = cookie === undefined ? undefined : parseCookie(cookie)[this.#options.cookie]
    return name === undefined ? undefined : this.#backends.get(name)
  }

  /** Has the client keep to `backend`, unless it does already. */
  mark (request: ClientRequest, reply: ClientReply, backend: Backend): void {
    if (this.backendOf(request) === backend) return
    const { cookie: name, maxAgeSeconds } = this.#options
    reply.header('set-cookie', stringifySetCookie({
      name,
      value: this.#names.get(backend) ?? '',
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: request.peer.proto === 'https',
      ...(maxAgeSeconds > 0 && { maxAge: maxAgeSeconds })
    }))
  }
}
