/** `fastify.pool`: the backends, their counters and the policy that picks among them; `fastify.policies`: those that POLICY can name. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { parseBackendList } from '../src/config/backend-list.ts'
import { PolicyUnknownError } from '../src/errors.ts'
import type { BackendSpec } from '../src/pool/backend.ts'
import { Board } from '../src/pool/board.ts'
import { Counters } from '../src/pool/counters.ts'
import { BUILT_IN_POLICIES, WITHOUT_SLOW_START } from '../src/pool/policies/built-in.ts'
import type { Policy, PolicyFactory } from '../src/pool/policy.ts'
import { Pool } from '../src/pool/pool.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The pool that requests are spread over. */
    readonly pool: Pool
    /** Policies by name. A plugin adds one with `fastify.policies.set('mine', factory)`, and POLICY=mine takes it. */
    readonly policies: Map<string, PolicyFactory>
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
  /** Whether requests are spread here, so that the policy has to be there; default: yes. */
  readonly isPicking?: boolean
}

const POOL_NAME = 'default'

/** In so many steps a share grows, or in more if these would be longer than so many ms. */
const WARM_UP_STEPS = 20
const MAX_STEP_MS = 1_000

async function pool (fastify: FastifyInstance, { memory, rows = 1, isAnnounced = true, isPicking = true }: PoolOptions): Promise<void> {
  const { config } = fastify
  const { backends } = parseBackendList(config.BACKENDS)
  const capacity = backends.length
  const { board, counters } = memory ?? { board: new Board({ capacity }), counters: new Counters({ capacity, rows }) }
  const rules = { minGroupRatio: config.PRIORITY_MIN_RATIO, panicRatio: config.PANIC_RATIO }
  const made = new Pool({
    name: POOL_NAME,
    backends: backends.map((backend) => withLimit(backend, config.BACKEND_MAX_IN_FLIGHT)),
    nowMs: Date.now(),
    rules,
    slowStartMs: config.SLOW_START_MS,
    trialInFlight: config.TRIAL_IN_FLIGHT,
    drainsByAnswer: config.DRAIN_BY_ANSWER === 'on',
    wallClockMs: Date.now,
    board,
    counters,
    policy: () => absent(config.POLICY),
    random: Math.random,
    monotonicMs: () => performance.now()
  })
  const policies = new Map(BUILT_IN_POLICIES)
  fastify.decorate('pool', made)
  fastify.decorate('policies', policies)
  // Not before all plugins have had their say.
  if (isPicking) {
    fastify.addHook('onReady', async () => {
      const policy = policies.get(config.POLICY)
      if (policy === undefined) throw new PolicyUnknownError(config.POLICY, [...policies.keys()].join(', '))
      made.usePolicy(policy)
    })
    if (config.SLOW_START_MS > 0) warmUp(fastify, made, config.SLOW_START_MS)
  }
  if (!isAnnounced) return
  fastify.addHook('onReady', async () => {
    // One of a plugin may have taken its name.
    if (policies.get(config.POLICY) === BUILT_IN_POLICIES.get(config.POLICY)) warnOfSlowStart(fastify)
  })
  for (const { url, weight, priority } of made.backends) fastify.log.info({ pool: made.name, backend: url, weight, priority }, 'backend added')
}

/** Says so where the policy of the configuration knows no slow start. */
function warnOfSlowStart ({ config: { POLICY, SLOW_START_MS }, log }: FastifyInstance): void {
  if (SLOW_START_MS > 0 && WITHOUT_SLOW_START.has(POLICY)) log.warn({ policy: POLICY }, 'SLOW_START_MS means nothing with this policy: backends that are back get their whole share at once')
}

/** Has the shares of backends that are back grow with time. */
function warmUp (fastify: FastifyInstance, warmed: Pool, slowStartMs: number): void {
  const timer = setInterval(() => { if (warmed.isWarming) warmed.refresh() }, Math.min(MAX_STEP_MS, slowStartMs / WARM_UP_STEPS)).unref()
  fastify.addHook('onClose', async () => clearInterval(timer))
}

/** A limit of its own goes before the one for all. */
function withLimit (backend: BackendSpec, maxInFlight: number): BackendSpec {
  return { maxInFlight, ...backend }
}

/** Holds the place of a policy that is not there yet, or is not needed here. */
function absent (name: string): Policy {
  return { name, rebuild: () => {}, pick: () => undefined }
}

export default fp(pool, { name: 'fastlancer-pool', fastify: '5.x', dependencies: ['fastlancer-config'] })
