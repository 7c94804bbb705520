import t from 'tap'
import { type GuardClock, OverloadGuard, type OverloadGuardOptions } from '../../src/client/overload-guard.ts'

/** Time that moves when it is told to; the event loop turns as it is told to. */
class TestClock implements GuardClock {
  #nowMs = 0
  #intervalMs = 0
  #callback: (() => void) | undefined

  nowMs (): number {
    return this.#nowMs
  }

  every (intervalMs: number, callback: () => void): () => void {
    this.#intervalMs = intervalMs
    this.#callback = callback
    return () => { this.#callback = undefined }
  }

  get isTicking (): boolean {
    return this.#callback !== undefined
  }

  /** The event loop is idle. */
  pass (ms: number): void {
    const endMs = this.#nowMs + ms
    while (this.#nowMs < endMs) this.block(Math.min(this.#intervalMs, endMs - this.#nowMs))
  }

  /** One turn of this length. */
  block (ms: number): void {
    this.#nowMs += ms
    this.#callback?.()
  }
}

const MIB = 1024 * 1024

class Guarded {
  readonly clock = new TestClock()
  readonly memory = { process: { usedBytes: MIB, limitBytes: 100 * MIB }, heap: { usedBytes: MIB, limitBytes: 50 * MIB } }
  readonly said: unknown[] = []
  readonly guard: OverloadGuard
  collections = 0
  onCollect = (): void => {}

  constructor (limits: Partial<OverloadGuardOptions['limits']> = {}) {
    this.guard = new OverloadGuard({
      limits: { loopDelayMs: 100, memoryRatio: 0.9, ...limits },
      clock: this.clock,
      memory: () => structuredClone(this.memory),
      collectGarbage: () => {
        this.collections++
        this.onCollect()
      },
      onBegin: (facts) => this.said.push(['begin', facts]),
      onEnd: (facts) => this.said.push(['end', facts])
    })
    this.guard.start()
  }

  /** Whether requests are refused. */
  get refuses (): boolean {
    return this.guard.refusal !== undefined
  }

  /** A second and more of turns of 250 ms. */
  strain (): void {
    for (let i = 0; i < 6; i++) this.clock.block(250)
  }
}

t.test('long turns for a second: requests are refused, with the reason', async (t) => {
  const { clock, guard } = new Guarded()
  clock.pass(10_000)
  t.equal(guard.refusal, undefined)
  for (let i = 0; i < 3; i++) clock.block(250)
  t.equal(guard.refusal, undefined, 'not at once')
  clock.block(250)
  t.match(guard.refusal, { code: 'FL_OVERLOADED', statusCode: 503, message: /event loop is more than 100 ms late \(OVERLOAD_LOOP_DELAY_MS\)/ })
  t.match(guard.reason, /event loop/)
})

t.test('one long turn, whatever its length, refuses nobody', async (t) => {
  for (const ms of [300, 3_000, 30_000]) {
    const guarded = new Guarded()
    guarded.clock.pass(1_000)
    guarded.clock.block(ms)
    guarded.clock.pass(5_000)
    t.same(guarded.said, [], `${ms} ms`)
  }
})

t.test('a long turn now and then refuses nobody, as long as there is time between', async (t) => {
  const guarded = new Guarded()
  for (let i = 0; i < 20; i++) {
    guarded.clock.block(300)
    guarded.clock.pass(1_000)
  }
  t.same(guarded.said, [])
})

t.test('two seconds after the last long turn requests are served again', async (t) => {
  const guarded = new Guarded()
  guarded.strain()
  guarded.clock.pass(1_500)
  t.ok(guarded.refuses)
  guarded.clock.pass(1_000)
  t.notOk(guarded.refuses)
  t.equal(guarded.guard.reason, undefined)
})

t.test('begin and end are told once each, with the figures, how long it was and how many were refused', async (t) => {
  const guarded = new Guarded()
  for (const count of [3, 2]) {
    guarded.said.length = 0
    guarded.strain()
    for (let i = 0; i < count; i++) guarded.guard.noteRefused()
    guarded.clock.pass(10_000)
    t.match(guarded.said, [
      ['begin', { reason: /event loop/, loopDelayMs: 230, memoryRatio: 0.01, memoryLimitBytes: 100 * MIB, heapRatio: 0.02, heapLimitBytes: 50 * MIB }],
      ['end', { reason: undefined, loopDelayMs: 0, ms: Number, refused: count }]
    ])
  }
  t.equal(guarded.guard.refused, 5)
})

t.test('a reason that takes the place of another is neither a begin nor an end, and clients are told of it', async (t) => {
  const guarded = new Guarded()
  guarded.strain()
  guarded.memory.process.usedBytes = 95 * MIB
  guarded.clock.pass(5_000)
  t.match(guarded.guard.refusal?.message, /OVERLOAD_MEMORY_RATIO/)
  t.equal(guarded.said.length, 1)
})

t.test('refused clients are sent away for 2 to 5 seconds, not all of them for the same time', async (t) => {
  const { guard } = new Guarded()
  t.same(Array.from({ length: 8 }, () => guard.noteRefused()), [2, 3, 4, 5, 2, 3, 4, 5])
})

t.test('memory above its limit is collected before anybody is refused', async (t) => {
  const guarded = new Guarded()
  guarded.memory.heap.usedBytes = 46 * MIB
  guarded.onCollect = () => { guarded.memory.heap.usedBytes = 20 * MIB }
  guarded.clock.pass(20_000)
  t.equal(guarded.collections, 1)
  t.same(guarded.said, [])
})

t.test('memory that is not garbage: requests are refused, and it is not collected again and again', async (t) => {
  const guarded = new Guarded()
  guarded.memory.process.usedBytes = 95 * MIB
  guarded.clock.pass(2_000)
  t.match(guarded.guard.refusal, { code: 'FL_OVERLOADED', message: /more than 0\.9 of its memory is in use \(OVERLOAD_MEMORY_RATIO\)/ })
  guarded.clock.pass(26_000)
  t.equal(guarded.collections, 1)
  guarded.clock.pass(30_000)
  t.equal(guarded.collections, 2)
})

t.test('without limits nothing is measured', async (t) => {
  t.notOk(new Guarded({ loopDelayMs: 0, memoryRatio: 0 }).clock.isTicking)
  for (const limits of [{ loopDelayMs: 0 }, { memoryRatio: 0 }]) t.ok(new Guarded(limits).clock.isTicking)
})

t.test('without a limit on memory nothing is collected', async (t) => {
  const guarded = new Guarded({ memoryRatio: 0 })
  guarded.memory.heap.usedBytes = 50 * MIB
  guarded.clock.pass(5_000)
  t.equal(guarded.collections, 0)
})

t.test('it stops measuring when it is told to', async (t) => {
  const { clock, guard } = new Guarded()
  guard.stop()
  t.notOk(clock.isTicking)
})

t.test('what was before the start does not count', async (t) => {
  const guarded = new Guarded()
  guarded.guard.stop()
  guarded.clock.block(60_000)
  guarded.guard.start()
  guarded.clock.block(250)
  guarded.clock.block(250)
  t.notOk(guarded.refuses)
})
