/** A backend that answers when the test says so, and a gateway before it that tells how far requests have come. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Environment } from '../../src/config/env-schema.ts'
import { type Answered, call, type Gateway, type HttpOrigin, type RawClient, type Scenario, until } from '../helper.ts'

/** It answers with its name and the request's path. */
export class Held {
  readonly origin: HttpOrigin
  /** Paths in the order of arrival. */
  readonly seen: string[] = []
  /** Whether it answers by itself, and after how long, in ms. */
  isFast = false
  delayMs = 0
  readonly #open = new Map<string, ServerResponse>()

  private constructor (origin: HttpOrigin) {
    this.origin = origin
  }

  static async start (s: Scenario, name = 'a'): Promise<Held> {
    const held: Held = new Held(await s.origin(name, (request, response) => held.#take(request, response)))
    return held
  }

  /** The request with this path has come, and its client has not left. */
  async has (path: string): Promise<void> {
    await until(`${path} has come`, () => this.#open.has(path))
  }

  /** The connection of that request has closed before it was answered. */
  async lost (path: string): Promise<void> {
    await until(`${path} has been given up`, () => !this.#open.has(path))
  }

  async answer (path: string, status = 200): Promise<void> {
    await this.has(path)
    this.#open.get(path)?.writeHead(status).end(`${this.origin.name}${path}`)
    this.#open.delete(path)
  }

  /** Answers with what is no HTTP. */
  async fail (path: string): Promise<void> {
    await this.has(path)
    this.#open.get(path)?.socket?.end('rubbish\r\n\r\n')
  }

  /** Breaks the connection in place of an answer. */
  async cut (path: string): Promise<void> {
    await this.has(path)
    this.#open.get(path)?.destroy()
  }

  #take ({ url = '' }: IncomingMessage, response: ServerResponse): void {
    this.seen.push(url)
    this.#open.set(url, response)
    response.once('close', () => this.#open.delete(url))
    if (this.isFast) setTimeout(() => { if (!response.destroyed) response.end(`${this.origin.name}${url}`) }, this.delayMs)
  }
}

export class HeldGateway {
  readonly gateway: Gateway
  readonly #s: Scenario
  readonly #requests: readonly FastifyRequest[]

  private constructor (s: Scenario, gateway: Gateway, requests: readonly FastifyRequest[]) {
    this.#s = s
    this.gateway = gateway
    this.#requests = requests
  }

  static async start (s: Scenario, BACKENDS: string, env: Environment = {}): Promise<HeldGateway> {
    const requests: FastifyRequest[] = []
    const extend = (app: Gateway['app']): void => { app.addHook('onRequest', async (request) => { requests.push(request) }) }
    return new HeldGateway(s, await s.gateway([], { env: { BACKENDS, ...env }, extend }), requests)
  }

  /** The request with this path is with a backend, or waits: without a body it is there at once. */
  async arrived (path: string): Promise<void> {
    await until(`${path} has arrived`, () => this.#requests.some(({ originalUrl, exchange }) => originalUrl === path && exchange !== null))
  }

  /** Sends a request, and waits until it has arrived. Its answer comes later. */
  async send (path: string): Promise<{ readonly answered: Promise<Answered> }> {
    const answered = call(this.gateway.url, { path })
    await this.arrived(path)
    return { answered }
  }

  /** The same by a client that can leave. */
  async client (path: string, fields: readonly string[] = []): Promise<RawClient> {
    const client = await this.#s.client(this.gateway)
    client.get(path, fields)
    await this.arrived(path)
    return client
  }
}
