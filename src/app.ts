/** The composition root: makes the Fastify application and registers the gateway's plugins, in this order. */
import { randomBytes } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import admin from '../plugins/admin.ts'
import config from '../plugins/config.ts'
import extensions from '../plugins/extensions.ts'
import health from '../plugins/health.ts'
import pool from '../plugins/pool.ts'
import proxy from '../plugins/proxy.ts'
import requestLogPlugin, { RequestLog } from '../plugins/request-log.ts'
import tunnel from '../plugins/tunnel.ts'
import upstream from '../plugins/upstream.ts'
import type { Environment } from './config/env-schema.ts'
import { routableUrl } from './upstream/routable-url.ts'
import { isUpgrade } from './upstream/tunnels.ts'

/** Time that a client has for the head of a request, in ms. */
const CLIENT_HEADERS_TIMEOUT_MS = 60_000

export interface AppOptions {
  /** The configuration, as environment variables; nothing else is read. Default: none, so that all defaults hold. */
  readonly env?: Environment
  /** Where logs go; its level is set from LOG_LEVEL. Default: nowhere. */
  readonly logger?: FastifyBaseLogger
  /** Registers further plugins, before the proxy route and after those of PLUGINS_DIR. */
  readonly extend?: (app: FastifyInstance) => void | Promise<void>
}

/** Makes the gateway. It starts nothing: `ready` loads it, `listen` opens it. A wrong configuration makes `ready` fail. */
export function createApp ({ env = {}, logger, extend }: AppOptions = {}): FastifyInstance {
  const requestLog = new RequestLog()
  const app = Fastify({
    ...(logger !== undefined && { loggerInstance: logger }),
    logController: requestLog,
    genReqId: requestIds(),
    // While the gateway closes, a request that comes on an open connection is served, as the last one of that connection.
    return503OnClosing: false,
    rewriteUrl: (raw) => routableUrl(raw.url ?? ''),
    http: { headersTimeout: CLIENT_HEADERS_TIMEOUT_MS, shouldUpgradeCallback: isUpgrade }
  })
  app.register(config, { env })
  app.register(requestLogPlugin, { requestLog })
  app.register(pool)
  app.register(health)
  app.register(upstream, { observer: requestLog })
  app.register(extensions)
  if (extend !== undefined) app.register(fp(async (instance) => extend(instance)))
  app.register(tunnel)
  app.register(proxy)
  app.register(admin)
  return app
}

/** Ids that differ between processes too: a random word for the process and a number. */
function requestIds (): () => string {
  const prefix = randomBytes(4).toString('hex')
  let count = 0
  return () => `${prefix}-${++count}`
}
