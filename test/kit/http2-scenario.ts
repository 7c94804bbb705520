/** A scenario with backends and clients of HTTP/2 and TLS, and with the same demand: at its end nothing is left over. */
import type { Agent, RequestListener } from 'node:http'
import type * as http2 from 'node:http2'
import type { ServerOptions } from 'node:https'
import type { ConnectionOptions } from 'node:tls'
import t, { type Test } from 'tap'
import type { Gateway, GatewayOptions } from './gateway.ts'
import { closeSession, openSession } from './http2-client.ts'
import { Http2Origin, type Http2OriginOptions, type StreamHandler } from './http2-origin.ts'
import { Http2Wire } from './http2-wire.ts'
import { HttpsOrigin } from './https-origin.ts'
import type { Origin } from './origin.ts'
import type { RawClient } from './raw-client.ts'
import { type FrameScript, RawHttp2Origin } from './raw-http2-origin.ts'
import { Scenario } from './scenario.ts'
import { TlsClient } from './tls-client.ts'
import { until, within } from './until.ts'

/** How long what is left over may take to go, in ms. */
const LEAVING_BOUND_MS = 3_000

/** A test of this name, with a scenario to play in. */
export function http2Scenario (name: string, play: (s: Http2Scenario, t: Test) => Promise<void>): void {
  void t.test(name, async (t) => {
    const s = new Http2Scenario()
    try {
      await play(s, t)
      await s.settle(t)
    } finally {
      await s.close(t)
    }
  })
}

export class Http2Scenario extends Scenario {
  readonly #backends: Origin[] = []
  readonly #opened: Gateway[] = []

  /** A backend of HTTP/2: h2c, or h2 with a certificate. */
  async http2Origin (name = 'a', handler?: StreamHandler, options?: Http2OriginOptions): Promise<Http2Origin> {
    return this.#add(await Http2Origin.start(name, handler, options))
  }

  /** A backend behind TLS that speaks HTTP/1.1. */
  async httpsOrigin (name: string, options: ServerOptions, handler?: RequestListener): Promise<HttpsOrigin> {
    return this.#add(await HttpsOrigin.start(name, options, handler))
  }

  /** A backend that does with frames what the script says; it probes well. */
  async rawHttp2Origin (name: string, script: FrameScript): Promise<RawHttp2Origin> {
    return this.#add(await RawHttp2Origin.start(name, script))
  }

  /** A session with the gateway, without TLS unless `url` says so. */
  async session (gateway: Gateway, options: http2.ClientSessionOptions | http2.SecureClientSessionOptions = {}, url = gateway.url): Promise<http2.ClientHttp2Session> {
    const session = await openSession(url, options)
    this.atEnd(() => closeSession(session))
    return session
  }

  /** A connection to the gateway that speaks TLS. */
  async tlsClient (gateway: { readonly port: number }, options: ConnectionOptions): Promise<TlsClient> {
    const client = await TlsClient.connect(gateway.port, options)
    this.atEnd(() => client.leave())
    return client
  }

  /** A connection to the gateway that writes frames. */
  async wire (gateway: Gateway, first?: Buffer): Promise<Http2Wire> {
    const wire = await Http2Wire.connect(gateway.port, first)
    this.atEnd(() => wire.leave())
    return wire
  }

  override async client (gateway: { readonly port: number }): Promise<RawClient> {
    const client = await super.client(gateway)
    this.atEnd(() => client.leave())
    return client
  }

  override agent (connections?: number): Agent {
    const agent = super.agent(connections)
    this.atEnd(() => agent.destroy())
    return agent
  }

  override async load (backends: ReadonlyArray<{ readonly url: string }>, options: GatewayOptions = {}): Promise<Gateway> {
    const gateway = await super.load(backends, options)
    this.#opened.push(gateway)
    return gateway
  }

  override async close (t: Test): Promise<void> {
    this.atEnd(() => this.#closeGateways(t))
    await super.close(t)
  }

  /** The gateways leave before the backends do, and take all of their connections with them. */
  async #closeGateways (t: Test): Promise<void> {
    await until('no client is left', () => this.#opened.every(({ app }) => app.intake.size === 0), LEAVING_BOUND_MS).catch(() => {})
    t.same(this.#opened.map(({ app }) => app.intake.size), this.#opened.map(() => 0), 'no connection of a client is left')
    await within('the gateway closes', Promise.all(this.#opened.map(({ app }) => app.close())), LEAVING_BOUND_MS).catch(() => {})
    await until('no connection is left', () => this.#backends.every(({ connections }) => connections === 0), LEAVING_BOUND_MS).catch(() => {})
    t.same(this.#backends.map(({ connections }) => connections), this.#backends.map(() => 0), 'no connection to a backend of HTTP/2 is left')
    for (const backend of this.#backends) await backend.stop()
  }

  #add<Kind extends Origin> (backend: Kind): Kind {
    this.#backends.push(backend)
    return backend
  }
}
