/** The gateway as a child process that tells, when it is asked, what it still holds: `node --expose-gc storm-gateway.ts`, configured by its environment. */
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { createApp } from '../../src/app.ts'
import { portOf } from '../kit/port.ts'

/** What a gateway holds at a moment. */
export interface Holdings {
  /** Attempts in flight, a backend each. */
  readonly inFlight: readonly number[]
  /** Connections of clients. */
  readonly clients: number
  readonly tunnels: number
  /** Upstream connections, idle ones included. */
  readonly upstream: number
  /** TCP sockets of the process besides listeners. */
  readonly sockets: number
  /** Open files of the process, forgotten sockets among them; 0 where they cannot be counted. */
  readonly descriptors: number
  /** After a full collection. */
  readonly heapBytes: number
}

/** Where Linux lists the open files of a process. */
const FDS = '/proc/self/fd'

/** Collections that a graph of finalizers and weak references needs at most. */
const COLLECTIONS = 4

const app = createApp({
  env: { ...process.env, ADMIN_PORT: 'off', ACCESS_LOG: 'off', LOG_LEVEL: 'error', HEALTH_INTERVAL_MS: '3600000' },
  logger: pino({ level: 'error' }, { write: (line: string) => { process.send?.({ error: line }) } })
})
await app.listen({ host: '127.0.0.1', port: 0 })
process.on('message', () => { void tell() })
process.on('disconnect', () => process.exit())
process.send?.({ port: portOf(app.server) })

async function tell (): Promise<void> {
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc?.()
    await wait(1)
  }
  const holdings: Holdings = {
    inFlight: app.pool.backends.map(({ inFlight }) => inFlight),
    clients: app.intake.size,
    tunnels: app.tunnels.size,
    upstream: app.engine.connectionCount,
    sockets: process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length,
    descriptors: existsSync(FDS) ? readdirSync(FDS).length : 0,
    heapBytes: process.memoryUsage().heapUsed
  }
  process.send?.({ holdings })
}
