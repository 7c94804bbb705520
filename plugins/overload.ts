/** `fastify.overload`: whether the gateway has more to do than it can. As long as that is so, requests of clients are refused (503). */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { closeBehind } from '../src/client/closing.ts'
import { type GuardClock, OverloadGuard } from '../src/client/overload-guard.ts'
import { heapMemory, processMemory } from '../src/observe/memory-use.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether requests are refused, and why. With several workers each has its own; the supervisor's is never overloaded. */
    readonly overload: OverloadState
  }
}

export interface OverloadState {
  /** Why requests are refused; undefined while they are not. */
  readonly reason: string | undefined
  /** Requests refused so far. */
  readonly refused: number
}

export interface OverloadOptions {
  /** Whether requests are served here; default: yes. */
  readonly isServing?: boolean
}

async function overload (fastify: FastifyInstance, { isServing = true }: OverloadOptions): Promise<void> {
  if (!isServing) {
    fastify.decorate('overload', { reason: undefined, refused: 0 })
    return
  }
  const { config, log } = fastify
  const guard = new OverloadGuard({
    limits: { loopDelayMs: config.OVERLOAD_LOOP_DELAY_MS, memoryRatio: config.OVERLOAD_MEMORY_RATIO },
    clock: processClock,
    memory: () => ({ process: processMemory(), heap: heapMemory() }),
    collectGarbage: () => { void globalThis.gc?.({ type: 'major', execution: 'async' }) },
    onBegin: (facts) => log.warn(facts, 'overloaded: new requests are refused'),
    onEnd: (facts) => log.info(facts, 'no longer overloaded: requests are served again')
  })
  fastify.decorate('overload', guard)
  fastify.addHook('onListen', async () => guard.start())
  fastify.addHook('onClose', async () => guard.stop())
  // Behind the first look at the head, which tells whether a body is in the way, and before everything else.
  fastify.addHook('onRequest', (request, reply, done) => {
    const { refusal } = guard
    if (refusal === undefined) return done()
    reply.header('retry-after', String(guard.noteRefused()))
    // Reading it to keep the connection would be work for nothing, as much as the client likes.
    if (request.head.hasBody) closeBehind(reply, request.raw.socket)
    done(refusal)
  })
}

const processClock: GuardClock = {
  nowMs: () => performance.now(),
  every (intervalMs, callback) {
    const timer = setInterval(callback, intervalMs)
    timer.unref()
    return () => clearInterval(timer)
  }
}

export default fp(overload, { name: 'fastlancer-overload', fastify: '5.x', dependencies: ['fastlancer-config'] })
