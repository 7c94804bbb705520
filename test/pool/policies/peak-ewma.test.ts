import t from 'tap'
import { DECAY_MS, peakEwma } from '../../../src/pool/policies/peak-ewma.ts'
import { RESULT_FAILED } from '../../../src/pool/policy.ts'
import type { Pool } from '../../../src/pool/pool.ts'
import { FRESH } from '../made-pool.ts'
import { backendAt, weightedPool } from './picks.ts'

/** A pool whose clock stands still until it is put forward. */
class Clocked {
  nowMs = 1_000_000
  readonly pool: Pool

  constructor (weights: readonly number[]) {
    this.pool = weightedPool(peakEwma, weights, { monotonicMs: () => this.nowMs })
  }

  /** An attempt that took so long. */
  serve (slot: number, latencyMs: number, status = 200): void {
    const backend = backendAt(this.pool, slot)
    this.pool.begin(backend)
    this.pool.ended(backend, latencyMs, status)
  }

  latencyMs (slot: number): number {
    return this.pool.policy.scores?.(backendAt(this.pool, slot), FRESH)['latencyMs'] ?? Number.NaN
  }
}

function isNear (actual: number, expected: number): boolean {
  return Math.abs(actual - expected) < 1e-9 * expected
}

t.test('a rise of the latency counts at once', async (t) => {
  const clocked = new Clocked([1])
  clocked.serve(0, 10)
  t.equal(clocked.latencyMs(0), 10)
  clocked.nowMs += 1
  clocked.serve(0, 500)
  t.equal(clocked.latencyMs(0), 500)
})

t.test('its fall counts the more the longer ago the peak was', async (t) => {
  const clocked = new Clocked([1])
  clocked.serve(0, 500)
  clocked.serve(0, 10)
  t.equal(clocked.latencyMs(0), 500)
  clocked.nowMs += DECAY_MS
  clocked.serve(0, 10)
  t.ok(isNear(clocked.latencyMs(0), 500 / Math.E + 10 * (1 - 1 / Math.E)))
})

t.test('what is known fades, to 1/e in the time of decay', async (t) => {
  const clocked = new Clocked([1])
  clocked.serve(0, 500)
  clocked.nowMs += DECAY_MS
  t.ok(isNear(clocked.latencyMs(0), 500 / Math.E))
  clocked.nowMs += DECAY_MS
  t.ok(isNear(clocked.latencyMs(0), 500 / Math.E ** 2))
})

t.test('an attempt without an answer says nothing of the latency', async (t) => {
  const clocked = new Clocked([1])
  clocked.serve(0, 40)
  clocked.serve(0, Number.NaN, RESULT_FAILED)
  t.equal(clocked.latencyMs(0), 40)
})

t.test('of two the faster one is picked until its queue costs what the slower one does', async (t) => {
  const { pool, serve } = bound(new Clocked([1, 1]))
  serve(0, 100)
  serve(1, 30)
  const order = Array.from({ length: 6 }, () => {
    const backend = pool.pick(FRESH)
    if (backend !== undefined) pool.begin(backend)
    return backend?.slot
  })
  // Costs of the faster one: 30, 60, 90, 120; then one at the slower one (100), and the next there would cost 200.
  t.strictSame(order, [1, 1, 1, 0, 1, 1])
})

t.test('a slow one is tried again when its latency is long ago', async (t) => {
  const clocked = new Clocked([1, 1])
  clocked.serve(0, 100)
  clocked.nowMs += 3 * DECAY_MS
  clocked.serve(1, 10)
  for (let i = 0; i < 100; i++) t.equal(clocked.pool.pick(FRESH)?.slot, 0)
})

t.test('one of which nothing is known gets one attempt at a time', async (t) => {
  const { pool, serve } = bound(new Clocked([1, 1]))
  serve(0, 5000)
  t.equal(pool.pick(FRESH)?.slot, 1)
  pool.begin(backendAt(pool, 1))
  for (let i = 0; i < 100; i++) t.equal(pool.pick(FRESH)?.slot, 0)
  pool.ended(backendAt(pool, 1), 10, 200)
  t.equal(pool.pick(FRESH)?.slot, 1)
})

t.test('a heavier backend may cost as much more as its weight says', async (t) => {
  const { pool, serve } = bound(new Clocked([1, 4]))
  serve(0, 10)
  serve(1, 10)
  for (let i = 0; i < 50; i++) {
    const backend = pool.pick(FRESH)
    if (backend !== undefined) pool.begin(backend)
  }
  t.strictSame(pool.backends.map(({ inFlight }) => inFlight), [10, 40])
})

t.test('what is known of a backend outlasts its being down', async (t) => {
  const clocked = new Clocked([1, 1])
  clocked.serve(0, 100)
  clocked.pool.verdicts.judge(backendAt(clocked.pool, 0), false, 'answered 500', 0)
  clocked.pool.verdicts.judge(backendAt(clocked.pool, 0), true, 'answered 200', 0)
  t.equal(clocked.latencyMs(0), 100)
})

function bound (clocked: Clocked): { pool: Pool, serve: (slot: number, latencyMs: number) => void } {
  return { pool: clocked.pool, serve: (slot, latencyMs) => clocked.serve(slot, latencyMs) }
}
