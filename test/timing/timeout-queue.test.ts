import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { processAfter, Timed, TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { VirtualSchedule } from '../virtual-schedule.ts'

/** Time that moves only when told to, for timers and for the clock of the queues. */
class VirtualTime {
  nowMs = 0
  /** What has timed out: `t=100 a`. */
  readonly events: string[] = []
  /** Timers that were ever set. */
  timersSet = 0
  readonly #schedule = new VirtualSchedule()

  queue (timeoutMs: number): TimeoutQueue {
    return new TimeoutQueue(timeoutMs, () => this.nowMs, (delayMs, callback) => {
      this.timersSet++
      return this.#schedule.after(delayMs, callback)
    })
  }

  /** Timers that are still to fire. */
  get timers (): number {
    return this.#schedule.pending
  }

  item (name: string, onTimeout?: (item: Timed) => void): Timed {
    return new NotedItem((item, timeoutMs) => {
      this.events.push(`t=${this.nowMs} ${name} after ${timeoutMs}`)
      onTimeout?.(item)
    })
  }

  pass (ms: number): void {
    for (let i = 0; i < ms; i++) {
      this.nowMs++
      this.tick(1)
    }
  }

  /** Time goes on for timers alone. */
  tick (ms: number): void {
    this.#schedule.pass(ms)
  }
}

class NotedItem extends Timed {
  readonly #note: (item: Timed, timeoutMs: number) => void

  constructor (note: (item: Timed, timeoutMs: number) => void) {
    super()
    this.#note = note
  }

  override timedOut (timeoutMs: number): void {
    this.#note(this, timeoutMs)
  }
}

function inVirtualTime (scenario: (time: VirtualTime) => void): void {
  scenario(new VirtualTime())
}

t.test('a deadline passes exactly when its time is over, once', async (t) => inVirtualTime((time) => {
  time.queue(100).start(time.item('a'))
  time.pass(99)
  t.strictSame(time.events, [])
  time.pass(1)
  t.strictSame(time.events, ['t=100 a after 100'])
  time.pass(500)
  t.equal(time.events.length, 1)
}))

t.test('each item times out at its own time, in the order in which the deadlines were set', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  queue.start(time.item('a'))
  time.pass(30)
  queue.start(time.item('b'))
  queue.start(time.item('c'))
  time.pass(60)
  queue.start(time.item('d'))
  time.pass(200)
  t.strictSame(time.events, ['t=100 a after 100', 't=130 b after 100', 't=130 c after 100', 't=190 d after 100'])
}))

t.test('an item has left the queue by the time it is told', async (t) => inVirtualTime((time) => {
  const queues: Array<TimeoutQueue | undefined> = []
  const queue = time.queue(100)
  queue.start(time.item('a', (item) => queues.push(item.queue)))
  time.pass(100)
  t.strictSame(queues, [undefined])
}))

t.test('a deadline that is set again counts from then on', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  const item = time.item('a')
  queue.start(item)
  queue.start(time.item('b'))
  time.pass(60)
  queue.start(item)
  time.pass(200)
  t.strictSame(time.events, ['t=100 b after 100', 't=160 a after 100'])
}))

t.test('a deadline that is cleared does not pass, wherever it stands in the queue', async (t) => {
  for (const cleared of [0, 1, 2]) {
    inVirtualTime((time) => {
      const queue = time.queue(100)
      const items = ['a', 'b', 'c'].map((name) => time.item(name))
      for (const item of items) {
        queue.start(item)
        time.pass(1)
      }
      const [item] = items.splice(cleared, 1)
      if (item !== undefined) queue.clear(item)
      t.equal(item?.queue, undefined)
      queue.start(time.item('d'))
      time.pass(200)
      const left = ['t=100 a after 100', 't=101 b after 100', 't=102 c after 100'].toSpliced(cleared, 1)
      t.strictSame(time.events, [...left, 't=103 d after 100'])
    })
  }
})

t.test('clearing an item that waits for nothing, or in another queue, changes nothing', async (t) => inVirtualTime((time) => {
  const [queue, other] = [time.queue(100), time.queue(200)]
  const item = time.item('a')
  queue.clear(item)
  queue.start(item)
  queue.start(time.item('b'))
  other.clear(item)
  queue.clear(time.item('c'))
  time.pass(100)
  t.strictSame(time.events, ['t=100 a after 100', 't=100 b after 100'])
}))

t.test('starting in another queue takes an item out of the first', async (t) => inVirtualTime((time) => {
  const [queue, other] = [time.queue(100), time.queue(300)]
  const item = time.item('a')
  queue.start(item)
  queue.start(time.item('b'))
  time.pass(50)
  other.start(item)
  t.equal(item.queue, other)
  time.pass(400)
  t.strictSame(time.events, ['t=100 b after 100', 't=350 a after 300'])
}))

t.test('a queue that had run empty serves again', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  const item = time.item('a')
  queue.start(item)
  queue.clear(item)
  time.pass(250)
  queue.start(item)
  time.pass(100)
  t.strictSame(time.events, ['t=350 a after 100'])
}))

t.test('an item may set a deadline again when it times out', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  queue.start(time.item('a', (item) => { if (time.nowMs < 250) queue.start(item) }))
  time.pass(500)
  t.strictSame(time.events, ['t=100 a after 100', 't=200 a after 100', 't=300 a after 100'])
}))

t.test('a deadline that one item sets as it times out does not delay the others', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  queue.start(time.item('a', (item) => { if (time.nowMs < 150) queue.start(item) }))
  time.pass(50)
  queue.start(time.item('b'))
  time.pass(300)
  t.strictSame(time.events, ['t=100 a after 100', 't=150 b after 100', 't=200 a after 100'])
}))

t.test('an item that times out may clear the next one', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  const next = time.item('b')
  queue.start(time.item('a', () => queue.clear(next)))
  queue.start(next)
  queue.start(time.item('c'))
  time.pass(200)
  t.strictSame(time.events, ['t=100 a after 100', 't=100 c after 100'])
}))

t.test('a timer that fires a little early ends nothing before its time', async (t) => inVirtualTime((time) => {
  time.queue(100).start(time.item('a'))
  time.nowMs = 99.4
  time.tick(100)
  t.strictSame(time.events, [])
  time.nowMs = 100.4
  time.tick(1)
  t.strictSame(time.events, ['t=100.4 a after 100'])
}))

t.test('one timer serves all items', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  for (let i = 0; i < 50; i++) {
    const item = time.item('cleared')
    queue.start(item)
    queue.start(time.item('kept'))
    queue.clear(item)
  }
  t.equal(time.timersSet, 1)
  time.pass(100)
  t.equal(time.events.length, 50)
  t.equal(time.timersSet, 1)
}))

t.test('closing forgets all deadlines', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  const items = [time.item('a'), time.item('b')]
  for (const item of items) queue.start(item)
  queue.close()
  t.strictSame(items.map((item) => item.queue), [undefined, undefined])
  time.pass(500)
  t.strictSame(time.events, [])
}))

t.test('closing leaves no timer', async (t) => inVirtualTime((time) => {
  const queue = time.queue(100)
  queue.start(time.item('a'))
  t.equal(time.timers, 1)
  queue.close()
  t.equal(time.timers, 0)
}))

t.test('what has come in by the time is read before a deadline passes', async (t) => {
  const { port1, port2 } = new MessageChannel()
  const events: string[] = []
  port1.on('message', () => events.push('read'))
  await new Promise((resolve) => { setImmediate(resolve) })
  const passed = new Promise<void>((resolve) => {
    new TimeoutQueue(20).start(new NotedItem(() => {
      events.push('passed')
      resolve()
    }))
  })
  port2.postMessage('there in time')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  await passed
  t.strictSame(events, ['read', 'passed'])
  port1.close()
})

t.test('a deadline of the process can be called off until the last moment', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancels = ['timer', 'reading'].map((what) => processAfter(5, () => t.fail(what)))
  cancels[0]?.()
  // In the turn in which the timer fires, before what has come in is read: both timers are due in it.
  setTimeout(() => {
    cancels[1]?.()
    setTimeout(resolve, 20)
  }, 5)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30)
  await promise
})

t.test('a queue does not keep the process alive', async (t) => {
  const running = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = running()
  const queue = new TimeoutQueue(60_000)
  t.teardown(() => queue.close())
  queue.start(new NotedItem(() => {}))
  t.equal(running(), before)
})

t.test('by itself a queue goes by a monotonic clock', async (t) => {
  const queue = new TimeoutQueue(60_000)
  t.teardown(() => queue.close())
  const item = new NotedItem(() => {})
  const beforeMs = performance.now()
  queue.start(item)
  const afterMs = performance.now()
  t.ok(item.deadlineMs >= beforeMs + 60_000 && item.deadlineMs <= afterMs + 60_000)
})
