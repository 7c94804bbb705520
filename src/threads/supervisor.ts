/**
 * The supervisor: starts the workers, probes for all of them, has the one admin side, replaces workers that end unasked, and ends
 * them all. It carries no traffic.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { createSupervisorApp } from '../app.ts'
import type { Environment } from '../config/env-schema.ts'
import type { EnvFile } from '../config/environment.ts'
import type { SharedLines } from '../observe/shared-lines.ts'
import type { Backend } from '../pool/backend.ts'
import { Gauges } from '../pool/gauges.ts'
import { GATEWAY_GAUGES } from '../pool/slots.ts'
import { retryBudgetMemory } from '../upstream/retry-budget.ts'
import { Crew } from './crew.ts'
import { Heartbeats } from './heartbeats.ts'
import type { Verdict } from './messages.ts'
import { assertPortCanBeShared } from './shared-port.ts'

export interface SupervisorOptions {
  readonly env: Environment
  readonly envFile: EnvFile
  readonly logger: FastifyBaseLogger
  /** Where the lines of all threads come together; its first row is the supervisor's. */
  readonly lines: SharedLines
  /** How many workers. */
  readonly count: number
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean
}

const TICKET_SECRET_BYTES = 32

export class Supervisor {
  readonly app: FastifyInstance
  readonly #options: SupervisorOptions
  readonly #rows: number
  #crew: Crew | undefined

  constructor (options: SupervisorOptions) {
    const { env, envFile, logger, count } = options
    this.#options = options
    this.#rows = count + 1
    this.app = createSupervisorApp({
      env,
      envFile,
      logger,
      rows: this.#rows,
      workers: {
        status: () => this.#crew?.status() ?? [],
        notReadyReason: () => this.#crew === undefined ? 'not listening yet' : this.#crew.notReadyReason()
      },
      onHealthChange: (backend) => this.#crew?.tell(verdictOn(backend))
    })
  }

  /** How many workers listen. */
  get listening (): number {
    return this.#crew?.listening ?? 0
  }

  /** Whether a worker's thread cannot be ended, and thus the process neither. */
  get isStuck (): boolean {
    return this.#crew?.isStuck ?? false
  }

  /** Starts all workers; the application has to be loaded. The address that they listen on; fails if none of them does. */
  async start (): Promise<string> {
    const { app } = this
    const { HOST: host, PORT: port, SHUTDOWN_TIMEOUT_MS: shutdownMs, WORKER_BLOCKED_TIMEOUT_MS: blockedMs } = app.config
    const assertPortIsFree = async (): Promise<void> => await assertPortCanBeShared(host, port)
    await assertPortIsFree()
    // From before the first connection: workers that come later find it as it is then.
    app.pool.gate.close()
    app.pool.gate.wait({ gateOpened: () => this.#crew?.tell({ type: 'gate' }) })
    const gauges = new Gauges({ size: GATEWAY_GAUGES, rows: this.#rows })
    const heartbeats = new Heartbeats(this.#rows)
    this.#crew = new Crew({
      count: this.#options.count,
      order: this.#order(gauges, heartbeats),
      heartbeats,
      host,
      port,
      blockedMs,
      shutdownMs,
      log: app.log,
      assertPortIsFree,
      verdicts: () => app.pool.backends.filter(({ judged, isDraining }) => judged || isDraining).map(verdictOn),
      onEvent: (event) => app.health.heard(event),
      onListening: () => app.health.start(),
      onRelease: (row) => {
        app.pool.threadEnded(row)
        gauges.releaseRow(row)
        this.#options.lines.releaseRow(row)
      }
    })
    return await this.#crew.start()
  }

  /** Ends all workers, whose requests in flight have SHUTDOWN_TIMEOUT_MS, then the rest. True if nothing had to be cut. */
  async stop (): Promise<boolean> {
    // Whoever waits for the first probes is let in.
    this.app.health.stop()
    const isClean = await this.#crew?.stop() ?? true
    await this.app.close()
    return isClean
  }

  /** Leaves nothing behind after a start that has failed. */
  async abandon (): Promise<void> {
    await this.#crew?.abandon()
    await this.app.close()
  }

  #order (gauges: Gauges, heartbeats: Heartbeats): ConstructorParameters<typeof Crew>[0]['order'] {
    const { env, isTerminal, lines } = this.#options
    const { board, counters } = this.app.pool
    return {
      kind: 'fastlancer-worker',
      rows: this.#rows,
      capacity: counters.capacity,
      memory: { counters: counters.memory, board: board.memory, gauges: gauges.memory, retryBudget: retryBudgetMemory(), heartbeats: heartbeats.memory, lines: lines.memory },
      // The variables of the process are no plain object, which alone can be sent.
      env: { ...env },
      ticketSecret: randomBytes(TICKET_SECRET_BYTES),
      isTerminal
    }
  }
}

function verdictOn ({ slot, reason, sinceMs }: Backend): Verdict {
  return { type: 'verdict', slot, reason, sinceMs }
}
