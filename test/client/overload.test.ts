import t from 'tap'
import { Overload, type OverloadLimits, type Sample } from '../../src/client/overload.ts'

const IDLE = { loopDelayMs: 0, memory: 10, heap: 10 }

/** Memory and heap in percent. */
function sample ({ loopDelayMs, memory, heap }: typeof IDLE): Sample {
  return { loopDelayMs, process: { usedBytes: memory, limitBytes: 100 }, heap: { usedBytes: heap, limitBytes: 100 } }
}

class Watch {
  readonly #overload: Overload
  #nowMs = 0

  constructor (limits: Partial<OverloadLimits> = {}) {
    this.#overload = new Overload({ loopDelayMs: 1_000, memoryRatio: 0.9, ...limits })
  }

  /** The reason after four samples like this, which is long enough for any change. */
  after (figures: Partial<typeof IDLE>): string | undefined {
    for (let i = 0; i < 4; i++) this.#overload.observe(sample({ ...IDLE, ...figures }), this.#nowMs += 500)
    return this.#overload.reason
  }
}

t.test('an idle gateway is not overloaded', async (t) => {
  t.equal(new Watch().after({}), undefined)
})

t.test('each figure has its limit, and the reason names the key', async (t) => {
  t.equal(new Watch().after({ loopDelayMs: 1_001 }), 'its event loop is more than 1000 ms late (OVERLOAD_LOOP_DELAY_MS)')
  t.equal(new Watch().after({ memory: 91 }), 'more than 0.9 of its memory is in use (OVERLOAD_MEMORY_RATIO)')
  t.equal(new Watch().after({ heap: 91 }), 'more than 0.9 of its heap is in use (OVERLOAD_MEMORY_RATIO)')
  t.equal(new Watch().after({ loopDelayMs: 1_000, memory: 90, heap: 90 }), undefined)
})

t.test('a limit of 0 is none', async (t) => {
  t.equal(new Watch({ loopDelayMs: 0 }).after({ loopDelayMs: 100_000 }), undefined)
  t.equal(new Watch({ memoryRatio: 0 }).after({ memory: 100, heap: 100 }), undefined)
  t.match(new Watch({ memoryRatio: 0 }).after({ loopDelayMs: 1_001, memory: 100 }), /OVERLOAD_LOOP_DELAY_MS/)
})

t.test('the event loop is well again at half of its limit', async (t) => {
  const watch = new Watch()
  t.ok(watch.after({ loopDelayMs: 1_001 }))
  t.ok(watch.after({ loopDelayMs: 500 }))
  t.notOk(watch.after({ loopDelayMs: 499 }))
})

t.test('memory is well again a twentieth below its limit', async (t) => {
  for (const kind of ['memory', 'heap'] as const) {
    const watch = new Watch({ memoryRatio: 0.8 })
    t.ok(watch.after({ [kind]: 81 }))
    t.ok(watch.after({ [kind]: 77 }))
    t.notOk(watch.after({ [kind]: 75 }))
  }
})

t.test('memory that stays in use though requests are refused is given up; a late event loop is not', async (t) => {
  const memory = new Watch()
  for (let i = 0; i < 5; i++) t.ok(memory.after({ memory: 92 }))
  t.notOk(memory.after({ memory: 92 }))
  const loop = new Watch()
  for (let i = 0; i < 50; i++) t.ok(loop.after({ loopDelayMs: 1_200 }))
})

t.test('more than all of a limit that is only guessed is given up for good, too', async (t) => {
  const watch = new Watch()
  const reasons = Array.from({ length: 60 }, () => watch.after({ heap: 130 }))
  t.ok(reasons.slice(0, 5).every((reason) => reason !== undefined))
  t.ok(reasons.slice(6).every((reason) => reason === undefined))
})

t.test('with one reason gone the other one is told; without any it is over', async (t) => {
  const watch = new Watch()
  t.match(watch.after({ loopDelayMs: 2_000, heap: 95 }), /OVERLOAD_LOOP_DELAY_MS/)
  t.match(watch.after({ heap: 94 }), /heap/)
  t.equal(watch.after({}), undefined)
})

t.test('a reason that comes besides does not take the place of the first', async (t) => {
  const watch = new Watch()
  t.match(watch.after({ memory: 95 }), /memory/)
  t.match(watch.after({ memory: 94, loopDelayMs: 5_000 }), /memory/)
})
