/** Who is at the other end of a client's connection, worked out once a connection. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { forwardedElement } from '../wire/forwarded.ts'
import { FieldBlock, type FieldList, NO_FIELDS } from '../wire/fields.ts'
import type { RawRequest } from './client-side.ts'
import { clientOf, type Trust } from './trust.ts'

/** Set on the socket itself: in HTTP/2 a request has a stand-in for it, which passes on what is asked of it. */
const DISTRUSTED = Symbol('distrusted')

const READ_BY_FASTIFY = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'] as const

export class Peer {
  /** Its address; an IPv4 one in its own notation even on a dual-stack listener. */
  readonly address: string
  readonly proto: 'http' | 'https'
  /** The port that it came to. */
  readonly port: string
  /** Whether what it says of where a request came from is believed. */
  readonly isTrusted: boolean
  /** Whether it is not to be believed, trusted as its address may be. */
  readonly isDistrusted: boolean
  /** The certificate that it has shown, as in Client-Cert (RFC 9440); undefined without one. */
  readonly certificate: string | undefined
  /** Requests that came on the connection. */
  requests = 0
  readonly #trust: Trust
  #host: string | undefined
  #version: number | undefined
  #fields = NO_FIELDS

  constructor (socket: Socket, trust: Trust) {
    this.#trust = trust
    this.address = withoutMapping(socket.remoteAddress ?? 'unknown')
    this.proto = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
    this.port = String(socket.localPort ?? '')
    this.isDistrusted = Reflect.get(socket, DISTRUSTED) === true
    this.isTrusted = !this.isDistrusted && trust.trustsPeer(this.address)
    this.certificate = clientCertificate(socket)
  }

  /** The client's address: the peer's, unless it is trusted and names another one in `forwarding`. */
  clientOf (forwarding: FieldList): string {
    if (!this.isTrusted || forwarding.length === 0) return this.address
    const named = forwarding.flatMap((name, i) => i % 2 === 0 && name === 'x-forwarded-for' ? [forwarding[i + 1] ?? ''] : [])
    return named.length === 0 ? this.address : clientOf(this.address, named.join(', '), this.#trust)
  }

  /** What the gateway says of a request that came straight from this peer for `host`, in this version of HTTP. */
  forwardingFields (host: string | undefined, version: 1 | 1.1 | 2): FieldBlock {
    if (this.#host === host && this.#version === version) return this.#fields
    this.#host = host
    this.#version = version
    this.#fields = new FieldBlock([
      'x-forwarded-for', this.address,
      'x-forwarded-proto', this.proto,
      'x-forwarded-port', this.port,
      ...(host === undefined ? [] : ['x-forwarded-host', host]),
      'forwarded', forwardedElement({ client: this.address, proto: this.proto, host }),
      'via', version === 1 ? '1.0 fastlancer' : `${version} fastlancer`,
      ...(this.certificate === undefined ? [] : ['client-cert', this.certificate])
    ])
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

/**
 * Whoever speaks on the connection is not believed, trusted as its address may be: it is that of a proxy which has not said for
 * whom it speaks (PROXY protocol, UNKNOWN and LOCAL).
 */
export function distrust (socket: Socket): void {
  Object.defineProperty(socket, DISTRUSTED, { value: true })
}

/** Takes away what Fastify would read of a distrusted peer's request: it trusts addresses, and knows nothing of connections. */
export function hideForwarding (headers: IncomingHttpHeaders): void {
  for (const name of READ_BY_FASTIFY) Reflect.deleteProperty(headers, name)
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
