/** Who is at the other end of a client's connection, worked out once a connection. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { forwardedElement } from '../wire/forwarded.ts'
import type { FieldList } from '../wire/fields.ts'
import type { RawRequest } from './client-side.ts'
import { clientOf, type Trust } from './trust.ts'

export class Peer {
  /** Its address; an IPv4 one in its own notation even on a dual-stack listener. */
  readonly address: string
  readonly proto: 'http' | 'https'
  /** The port that it came to. */
  readonly port: string
  /** Whether what it says of where a request came from is believed. */
  readonly isTrusted: boolean
  /** The certificate that it has shown, as in Client-Cert (RFC 9440); undefined without one. */
  readonly certificate: string | undefined
  /** Requests that came on the connection. */
  requests = 0
  readonly #trust: Trust
  #host: string | undefined
  #fields: FieldList = []

  constructor (socket: Socket, trust: Trust) {
    this.#trust = trust
    this.address = withoutMapping(socket.remoteAddress ?? 'unknown')
    this.proto = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
    this.port = String(socket.localPort ?? '')
    this.isTrusted = trust.trustsPeer(this.address)
    this.certificate = clientCertificate(socket)
  }

  /** The client's address: the peer's, unless it is trusted and names another one in `forwarding`. */
  clientOf (forwarding: FieldList): string {
    if (!this.isTrusted || forwarding.length === 0) return this.address
    const named = forwarding.flatMap((name, i) => i % 2 === 0 && name === 'x-forwarded-for' ? [forwarding[i + 1] ?? ''] : [])
    return named.length === 0 ? this.address : clientOf(this.address, named.join(', '), this.#trust)
  }

  /** What the gateway says of a request that came straight from this peer for `host`. */
  forwardingFields (host: string | undefined): FieldList {
    if (this.#host === host && this.#fields.length > 0) return this.#fields
    this.#host = host
    this.#fields = [
      'x-forwarded-for', this.address,
      'x-forwarded-proto', this.proto,
      'x-forwarded-port', this.port,
      ...(host === undefined ? [] : ['x-forwarded-host', host]),
      'forwarded', forwardedElement({ client: this.address, proto: this.proto, host }),
      'via', '1.1 fastlancer',
      ...(this.certificate === undefined ? [] : ['client-cert', this.certificate])
    ]
    return this.#fields
  }
}

export class Peers {
  /** Who is trusted; set once the configuration is known. */
  trust: Trust
  readonly #peers = new WeakMap<Socket, Peer>()

  constructor (trust: Trust) {
    this.trust = trust
  }

  /** Whose request it is. */
  of (raw: Pick<RawRequest, 'socket' | 'stream'>): Peer {
    // In HTTP/2 each stream has a `socket` of its own making.
    const socket = raw.stream?.session?.socket ?? raw.socket
    const known = this.#peers.get(socket)
    if (known !== undefined) return known
    const peer = new Peer(socket, this.trust)
    this.#peers.set(socket, peer)
    return peer
  }
}

/** `::ffff:192.0.2.1` is 192.0.2.1 as a dual-stack listener names it. */
export function withoutMapping (address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** RFC 9440, section 2.2: the DER of the certificate as a byte sequence. Only a verified one is spoken of. */
function clientCertificate (socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : `:${certificate.raw.toString('base64')}:`
}
