/** `fastify.pool`: the backends, their counters and the policy that picks among them. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { parseBackendList } from '../src/config/backend-list.ts'
import { Board } from '../src/pool/board.ts'
import { Counters } from '../src/pool/counters.ts'
import { Pool } from '../src/pool/pool.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The pool that requests are spread over. */
    readonly pool: Pool
  }
}

/** Both with room for all backends of the configuration, whose slots are in its order. */
export interface PoolMemory {
  readonly board: Board
  readonly counters: Counters
}

export interface PoolOptions {
  /** What another thread's pool shares with this one; default: memory of its own. */
  readonly memory?: PoolMemory | undefined
  /** How many threads that memory is for, this one being the first of them; default: 1. */
  readonly rows?: number
  /** Whether the log names the backends; default: yes. */
  readonly isAnnounced?: boolean
}

const POOL_NAME = 'default'

async function pool (fastify: FastifyInstance, { memory, rows = 1, isAnnounced = true }: PoolOptions): Promise<void> {
  const { origins } = parseBackendList(fastify.config.BACKENDS)
  const capacity = origins.length
  const { board, counters } = memory ?? { board: new Board({ capacity }), counters: new Counters({ capacity, rows }) }
  const made = new Pool({ name: POOL_NAME, urls: origins, nowMs: Date.now(), board, counters })
  fastify.decorate('pool', made)
  if (!isAnnounced) return
  for (const backend of made.backends) fastify.log.info({ pool: made.name, backend: backend.url }, 'backend added')
}

export default fp(pool, { name: 'fastlancer-pool', fastify: '5.x', dependencies: ['fastlancer-config'] })
