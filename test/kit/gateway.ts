/** The gateway as a test runs it: on free ports of loopback, its log in memory, its admin side off unless asked for. */
import type { FastifyInstance } from 'fastify'
import { type AppOptions, createApp } from '../../src/app.ts'
import type { Environment } from '../../src/config/env-schema.ts'
import type { Backend } from '../../src/pool/backend.ts'
import { Logs } from './logs.ts'
import { portOf } from './port.ts'

export interface GatewayOptions {
  /** Overrides what the kit sets. */
  readonly env?: Environment
  readonly extend?: AppOptions['extend']
  /** Opens the admin side too. */
  readonly admin?: boolean
}

export class Gateway {
  readonly app: FastifyInstance
  readonly logs: Logs

  private constructor (app: FastifyInstance, logs: Logs) {
    this.app = app
    this.logs = logs
  }

  /** Makes one that is loaded, but does not listen yet. */
  static async load (backends: ReadonlyArray<{ readonly url: string }>, { env, extend, admin = false }: GatewayOptions = {}): Promise<Gateway> {
    const logs = new Logs()
    const app = createApp({
      env: { BACKENDS: backends.map(({ url }) => url).join(), ADMIN_PORT: admin ? '0' : 'off', ...env },
      logger: logs.logger,
      ...(extend !== undefined && { extend })
    })
    await app.ready()
    return new Gateway(app, logs)
  }

  /** Opens it; the first round of probes may still be under way. */
  async listen (): Promise<void> {
    await this.app.admin?.listen({ host: '127.0.0.1', port: 0 })
    await this.app.listen({ host: '127.0.0.1', port: 0 })
  }

  get port (): number {
    return portOf(this.app.server)
  }

  get url (): string {
    return `http://127.0.0.1:${this.port}`
  }

  get adminUrl (): string {
    if (this.app.admin === null) throw new Error('the admin side is off: ask for it')
    return `http://127.0.0.1:${portOf(this.app.admin.server)}`
  }

  /** The gateway's view of an origin. */
  backend ({ url }: { readonly url: string }): Backend {
    const backend = this.app.pool.backends.find((one) => one.url === url)
    if (backend === undefined) throw new Error(`no backend ${url}`)
    return backend
  }

  /** Attempts in flight, over all backends. */
  get inFlight (): number {
    return this.app.pool.backends.reduce((sum, backend) => sum + backend.inFlight, 0)
  }

  /** Tells the pool what no probe found out. */
  declareHealthy (origin: { readonly url: string }): void {
    this.app.pool.verdicts.judge(this.backend(origin), true, 'declared by the test', Date.now())
  }
}
