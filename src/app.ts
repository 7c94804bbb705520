/** The composition root: makes the Fastify applications and registers the gateway's plugins, in this order. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import admin, { type Workers } from '../plugins/admin.ts'
import clientTls from '../plugins/client-tls.ts'
import client from '../plugins/client.ts'
import config from '../plugins/config.ts'
import ejection from '../plugins/ejection.ts'
import extensions from '../plugins/extensions.ts'
import health from '../plugins/health.ts'
import intake from '../plugins/intake.ts'
import overload from '../plugins/overload.ts'
import pool, { type PoolMemory } from '../plugins/pool.ts'
import proxy from '../plugins/proxy.ts'
import requestLogPlugin, { RequestLog } from '../plugins/request-log.ts'
import tunnel from '../plugins/tunnel.ts'
import upstreamTls from '../plugins/upstream-tls.ts'
import upstream from '../plugins/upstream.ts'
import { errorAnswer, KNOWN_METHODS, type OnRefused, refuseClient } from './client/client-errors.ts'
import { closeBehind } from './client/closing.ts'
import { Peers } from './client/peers.ts'
import { serveInTurn } from './client/pipeline.ts'
import { routableUrl } from './client/routable-url.ts'
import { pathOf } from './client/target.ts'
import { Trust } from './client/trust.ts'
import { isUpgrade } from './client/tunnels.ts'
import type { Environment } from './config/env-schema.ts'
import type { EnvFile } from './config/environment.ts'
import { MethodUnknownError } from './errors.ts'
import type { BackendEvent } from './health/events.ts'
import { requestLoggers } from './observe/request-loggers.ts'
import type { Backend } from './pool/backend.ts'
import { Gauges } from './pool/gauges.ts'
import { GATEWAY_GAUGES } from './pool/slots.ts'
import { givenRequestId } from './upstream/headers.ts'

/** How often Node looks for clients that are too slow with their heads, in ms. */
const CLIENT_CHECK_INTERVAL_MS = 500

export interface AppOptions {
  /** The configuration, as environment variables; nothing else is read. Default: none, so that all defaults hold. */
  readonly env?: Environment
  /** The `.env` file that is in `env`, so that what is wrong with it is told with the other faults. Default: there is none. */
  readonly envFile?: EnvFile
  /** Where logs go; its level is set from LOG_LEVEL. Default: nowhere. */
  readonly logger?: FastifyBaseLogger
  /** Registers further plugins, before the proxy route and after those of PLUGINS_DIR. */
  readonly extend?: (app: FastifyInstance) => void | Promise<void>
  /** What is shared with other threads, where this is one of several workers: it has neither probes nor an admin side. Default: it is alone. */
  readonly shared?: SharedParts
  /** Told of what a worker finds out about backends. */
  readonly onBackendEvent?: (event: BackendEvent) => void
}

export interface SharedParts {
  readonly pool: PoolMemory
  readonly gauges: Gauges
  /** The memory of the retry budget. */
  readonly retryBudget: SharedArrayBuffer
  /** For the keys of TLS session tickets: any bytes that nobody can guess, 32 of them or more. */
  readonly ticketSecret: Uint8Array
}

export interface SupervisorOptions extends Pick<AppOptions, 'env' | 'envFile' | 'logger'> {
  readonly workers: Workers
  /** How many threads count in the pool's memory: the workers and this one. */
  readonly rows: number
  /** Told when a backend has come up or gone down. */
  readonly onHealthChange: (backend: Backend) => void
}

/** Makes the gateway. It starts nothing: `ready` loads it, `listen` opens it. A wrong configuration makes `ready` fail. */
export function createApp ({ env = {}, envFile, logger, extend, shared, onBackendEvent }: AppOptions = {}): FastifyInstance {
  const requestLog = new RequestLog()
  const peers = new Peers(new Trust())
  const gauges = shared?.gauges ?? new Gauges({ size: GATEWAY_GAUGES })
  const onRefused: OnRefused = (error, { remoteAddress }) => {
    app.log.warn({ code: error.code, status: error.statusCode, client: remoteAddress }, error.message)
  }
  const refuseMethod = (_raw: IncomingMessage, response: ServerResponse): void => refuseUnknownMethod(response, onRefused)
  const app = Fastify({
    ...(logger !== undefined && { loggerInstance: logger }),
    logController: requestLog,
    childLoggerFactory: requestLoggers(),
    genReqId: requestIds(peers),
    trustProxy: (address, hop) => peers.trust.trusts(address, hop),
    // While the gateway closes, a request that comes on an open connection is served, as the last one of that connection.
    return503OnClosing: false,
    rewriteUrl: (raw) => routableUrl(pathOf(raw.url ?? '')),
    clientErrorHandler: (error, socket) => refuseClient(error, socket, onRefused),
    // Made here, so that Fastify opens no second server for `localhost`, which would know nothing of our limits.
    serverFactory: (handler) => createServer({
      requestTimeout: 0,
      connectionsCheckingInterval: CLIENT_CHECK_INTERVAL_MS,
      // Host is checked with the rest of the head.
      requireHostHeader: false,
      shouldUpgradeCallback: isUpgrade
    }, (raw, response) => {
      // Fastify answers a method that it does not know without a hook, and goes on with what follows.
      serveInTurn(raw, response, KNOWN_METHODS.has(raw.method ?? '') ? handler : refuseMethod)
    })
  })
  app.register(config, { env, envFile })
  app.register(requestLogPlugin, { requestLog })
  app.register(client, { peers, onRefused })
  app.register(overload)
  app.register(clientTls, { ticketSecret: shared?.ticketSecret })
  app.register(intake, { onRefused, gauges })
  app.register(pool, { memory: shared?.pool, isAnnounced: shared === undefined })
  app.register(upstreamTls)
  const role = shared === undefined ? 'alone' : 'worker'
  app.register(health, { role })
  app.register(ejection, { role, onEvent: onBackendEvent })
  app.register(upstream, { observer: requestLog, gauges, retryBudget: shared?.retryBudget })
  app.register(extensions)
  if (extend !== undefined) app.register(fp(async (instance) => extend(instance)))
  app.register(tunnel)
  app.register(proxy)
  app.register(admin, { isThere: shared === undefined })
  return app
}

/** Makes the application that stands over workers: configuration, pool, probes and the admin side, without a client's side. It never listens. */
export function createSupervisorApp ({ env = {}, envFile, logger, workers, rows, onHealthChange }: SupervisorOptions): FastifyInstance {
  const app = Fastify({ ...(logger !== undefined && { loggerInstance: logger }) })
  app.register(config, { env, envFile })
  app.register(overload, { isServing: false })
  app.register(pool, { rows, isPicking: false })
  app.register(upstreamTls)
  app.register(health, { role: 'supervisor', onChange: onHealthChange })
  app.register(ejection, { role: 'supervisor' })
  app.register(admin, { workers })
  return app
}

/** The parser knows a method more than HTTP/1 has: PRI, the beginning of HTTP/2. */
function refuseUnknownMethod (response: ServerResponse, onRefused: OnRefused): void {
  const error = new MethodUnknownError()
  const { head, body } = errorAnswer(error)
  const { socket } = response.req
  onRefused(error, socket)
  closeBehind({ raw: response, header: (name, value) => response.setHeader(name, value) }, socket)
  response.writeHead(error.statusCode ?? 501, head)
  response.end(body)
}

/** Ids that differ between processes too: a random word for the process and a number. A trusted peer's own id is kept. */
function requestIds (peers: Peers): (raw: IncomingMessage) => string {
  const prefix = randomBytes(4).toString('hex')
  let count = 0
  return (raw) => {
    const given = peers.trust.isNobody ? undefined : givenRequestId(peers.of(raw), raw.headers['x-request-id'])
    return given ?? `${prefix}-${++count}`
  }
}
