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

/** What a trusted peer says of a client that speaks TLS, by field: of a list the first entry is the client's. */
const SAYS_HTTPS: ReadonlyMap<string, RegExp> = new Map([
  ['x-forwarded-proto', /^\s*https\s*(?:,|$)/i],
  ['forwarded', /^[^,]*\bproto="?https\b/i]
])

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

  /** The backend that a request's cookie names, available or not. Of several of that name, as one of a parent domain's may be, the first that names one. */
  backendOf ({ raw }: ClientRequest): Backend | undefined {
    const { cookie } = raw.headers
    if (cookie === undefined) return undefined
    const first = parseCookie(cookie)[this.#options.cookie]
    if (first === undefined) return undefined
    return this.#backends.get(first) ?? this.#named(cookie)
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
      secure: usesTls(request),
      ...(maxAgeSeconds > 0 && { maxAge: maxAgeSeconds })
    }))
  }

  #named (cookies: string): Backend | undefined {
    const prefix = `${this.#options.cookie}=`
    for (const pair of cookies.split(';')) {
      const text = pair.trim()
      const backend = text.startsWith(prefix) ? this.#backends.get(text.slice(prefix.length)) : undefined
      if (backend !== undefined) return backend
    }
    return undefined
  }
}

/** Whether the client speaks TLS: with the gateway, or as a trusted peer says, with the first proxy in front of it. */
function usesTls ({ peer, head }: ClientRequest): boolean {
  if (peer.proto === 'https') return true
  if (!peer.isTrusted) return false
  const { forwarding } = head
  return forwarding.some((name, i) => i % 2 === 0 && SAYS_HTTPS.get(name)?.test(forwarding[i + 1] ?? '') === true)
}
