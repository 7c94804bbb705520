/**
 * A test with everything in it that has to be closed, and with the demand that nothing is left over: at its end no attempt is
 * in flight, and every connection of the gateway, to clients and to backends, has gone.
 */
import { Agent, type RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { answer } from './behaviours.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import { HttpOrigin } from './http-origin.ts'
import type { Origin } from './origin.ts'
import { RawClient } from './raw-client.ts'
import { type Behaviour, ScriptedOrigin } from './scripted-origin.ts'
import { until, within } from './until.ts'

/** How long what is left over may take to go, in ms. */
const LEAVING_BOUND_MS = 10_000

/** A test of this name, with a scenario to play in. */
export function scenario (name: string, play: (s: Scenario, t: Test) => Promise<void>): void {
  void t.test(name, async (t) => {
    const s = new Scenario()
    try {
      await play(s, t)
      await s.settle(t)
    } finally {
      await s.close(t)
    }
  })
}

export class Scenario {
  readonly #origins: Origin[] = []
  readonly #gateways: Gateway[] = []
  readonly #clients: RawClient[] = []
  readonly #agents: Agent[] = []
  readonly #closers: Array<() => unknown> = []
  readonly #socketsBefore = openSockets()

  /** A well-behaved backend. */
  async origin (name = 'a', handler?: RequestListener): Promise<HttpOrigin> {
    return this.#keep(await HttpOrigin.start(name, handler))
  }

  /** A backend that does what the script says; it answers its name where there is none, and probes well. */
  async scripted (name: string, ...script: Behaviour[]): Promise<ScriptedOrigin> {
    const whole = script.length > 0 ? script : [answer({ body: name })]
    return this.#keep(await ScriptedOrigin.start(name, whole, answer()))
  }

  /** A backend whose port is closed. */
  async refusing (): Promise<Origin> {
    const origin = await this.origin('refusing')
    await origin.stop()
    return origin
  }

  /** A gateway before these backends, open. Requests can be sent: they wait until the first probes have ended. */
  async gateway (backends: ReadonlyArray<{ readonly url: string }>, options: GatewayOptions = {}): Promise<Gateway> {
    const gateway = await this.load(backends, options)
    await gateway.listen()
    await until('the first round of probes', () => gateway.app.pool.gate.isOpen)
    return gateway
  }

  /** A gateway that does not listen yet. */
  async load (backends: ReadonlyArray<{ readonly url: string }>, options: GatewayOptions = {}): Promise<Gateway> {
    const gateway = await Gateway.load(backends, options)
    this.#gateways.push(gateway)
    return gateway
  }

  /** A raw connection to the gateway. */
  async client (gateway: { readonly port: number }): Promise<RawClient> {
    const client = await RawClient.connect(gateway.port)
    this.#clients.push(client)
    return client
  }

  /** Keeps `connections` connections for `call`. */
  agent (connections = 1): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: connections })
    this.#agents.push(agent)
    return agent
  }

  /** Has something done before the scenario looks for what is left. */
  atEnd (close: () => unknown): void {
    this.#closers.push(close)
  }

  /** Every exchange is over, while clients and backends are still there. */
  async settle (t: Test): Promise<void> {
    for (const gateway of this.#gateways) {
      await until('nothing in flight', () => gateway.inFlight === 0, LEAVING_BOUND_MS).catch(() => {})
      t.same(gateway.app.pool.backends.map(({ inFlight }) => inFlight), gateway.app.pool.backends.map(() => 0), 'nothing is in flight')
    }
  }

  /** Closes everything; what the gateway leaves open fails the test. */
  async close (t: Test): Promise<void> {
    for (const close of this.#closers) await close()
    for (const client of this.#clients) await client.leave()
    for (const agent of this.#agents) agent.destroy()
    const closed = await within('the gateway closes', Promise.all(this.#gateways.map(({ app }) => app.close())), LEAVING_BOUND_MS).catch(() => false)
    t.ok(closed, 'the gateway closes')
    const left = (): Record<string, unknown> => ({
      upstream: this.#gateways.map(({ app }) => app.engine.connectionCount),
      tunnels: this.#gateways.map(({ app }) => app.tunnels.size),
      atBackends: this.#origins.map(({ connections }) => connections)
    })
    const none = { upstream: this.#gateways.map(() => 0), tunnels: this.#gateways.map(() => 0), atBackends: this.#origins.map(() => 0) }
    await until('no connection is left', () => JSON.stringify(left()) === JSON.stringify(none), LEAVING_BOUND_MS).catch(() => {})
    t.same(left(), none, 'no connection of the gateway is left')
    for (const origin of this.#origins) await origin.stop()
    await until('no socket is left', () => openSockets() <= this.#socketsBefore, LEAVING_BOUND_MS).catch(() => {})
    t.ok(openSockets() <= this.#socketsBefore, 'no socket of the process is left')
  }

  #keep<Kind extends Origin> (origin: Kind): Kind {
    this.#origins.push(origin)
    return origin
  }
}

/** TCP sockets of this process, listening or connected, whoever holds them. */
function openSockets (): number {
  return process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length
}
