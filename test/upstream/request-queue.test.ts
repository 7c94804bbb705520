/** The queue of requests that wait for a place at a backend, on a clock that the test sets. */
import t from 'tap'
import { Gauges } from '../../src/pool/gauges.ts'
import { GATEWAY_GAUGES, GAUGE_WAITING } from '../../src/pool/slots.ts'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { type PlaceWaiter, RequestQueue } from '../../src/upstream/request-queue.ts'
import { VirtualSchedule } from '../virtual-schedule.ts'

const TIMEOUT_MS = 1_000

interface RoomOptions {
  readonly maxWaiting?: number
  readonly gauges?: Gauges
}

/** A queue with places of two kinds that the test frees, and what has become of those who wait. */
class Room {
  readonly schedule = new VirtualSchedule()
  readonly queue: RequestQueue
  readonly gauges: Gauges
  /** Places that are free, by kind. */
  readonly free = { a: 0, b: 0 }
  /** What was told, such as `1 asked` and `1 placed`. */
  readonly told: string[] = []

  constructor ({ maxWaiting = 10, gauges = new Gauges({ size: GATEWAY_GAUGES }) }: RoomOptions = {}) {
    const { schedule } = this
    const after = (delayMs: number, callback: () => void): () => void => schedule.after(delayMs, callback)
    this.gauges = gauges
    this.queue = new RequestQueue({
      gauges,
      maxWaiting,
      timeouts: new TimeoutQueue(TIMEOUT_MS, () => schedule.nowMs(), after),
      hasRoom: () => this.free.a + this.free.b > 0,
      after
    })
  }

  /** Somebody who takes places of these kinds comes to the queue. */
  waiter (name: string, kinds: ReadonlyArray<'a' | 'b'> = ['a', 'b']): PlaceWaiter {
    const { told, queue, free } = this
    const waiter: PlaceWaiter = {
      placeFree () {
        told.push(`${name} asked`)
        const kind = kinds.find((one) => free[one] > 0)
        if (kind === undefined) return false
        queue.leave(waiter)
        free[kind]--
        told.push(`${name} placed`)
        return true
      },
      waitedTooLong: (timeoutMs) => { told.push(`${name} late after ${timeoutMs}`) }
    }
    return waiter
  }

  /** They come one after the other; whether they may wait. */
  enter (...names: readonly string[]): boolean[] {
    return names.map((name) => this.queue.enter(this.waiter(name)))
  }

  get placed (): string[] {
    return this.told.filter((what) => what.endsWith('placed'))
  }

  get late (): string[] {
    return this.told.filter((what) => what.includes('late'))
  }

  get waiting (): number {
    return this.gauges.count(GAUGE_WAITING)
  }

  /** An attempt has ended, and what follows from it has happened. */
  async wake (): Promise<void> {
    this.queue.wakeSoon()
    await Promise.resolve()
  }
}

t.test('those who wait get places in the order of their arrival', async (t) => {
  const room = new Room()
  room.enter('1', '2', '3')
  room.free.a = 2
  await room.wake()
  t.strictSame(room.placed, ['1 placed', '2 placed'])
  t.equal(room.waiting, 1)
  room.free.a = 1
  await room.wake()
  t.strictSame(room.placed.at(-1), '3 placed')
  t.strictSame([room.waiting, room.queue.isEmpty], [0, true])
})

t.test('who finds no place stays the first, and nobody else is asked while there is no room', async (t) => {
  const room = new Room()
  room.enter('1', '2')
  await room.wake()
  t.strictSame(room.told, ['1 asked'])
  t.equal(room.waiting, 2)
  room.free.b = 1
  await room.wake()
  t.strictSame(room.placed, ['1 placed'])
})

t.test('who cannot use the room that there is lets others by, and keeps its place in the queue', async (t) => {
  const room = new Room()
  room.queue.enter(room.waiter('only b', ['b']))
  room.enter('1', '2')
  room.free.a = 1
  await room.wake()
  t.strictSame(room.told, ['only b asked', '1 asked', '1 placed', '2 asked'])
  room.free.b = 1
  await room.wake()
  t.strictSame(room.placed, ['1 placed', 'only b placed'])
})

t.test('a newcomer is let by only if those who wait have no use for the room', async (t) => {
  const room = new Room()
  t.ok(room.queue.letsBy(), 'nobody waits')
  room.enter('1')
  t.notOk(room.queue.letsBy(), 'there is no room')
  room.free.a = 1
  t.ok(room.queue.letsBy(), 'nobody waits any more')
  t.strictSame([room.placed, room.free.a], [['1 placed'], 0], 'but the room was for whoever waited')
  room.queue.enter(room.waiter('only b', ['b']))
  room.free.a = 1
  t.ok(room.queue.letsBy())
  t.strictSame([room.waiting, room.free.a], [1, 1])
})

t.test('as many wait as may, over both threads; who is refused is not counted', async (t) => {
  const gauges = new Gauges({ size: GATEWAY_GAUGES, rows: 2 })
  const one = new Room({ maxWaiting: 3, gauges })
  const other = new Room({ maxWaiting: 3, gauges: new Gauges({ size: GATEWAY_GAUGES, rows: 2, row: 1, memory: gauges.memory }) })
  t.strictSame([one.enter('1', '2'), other.enter('3', '4'), one.enter('5')], [[true, true], [true, false], [false]])
  t.equal(one.waiting, 3)
  one.free.a = 1
  await one.wake()
  t.strictSame([other.enter('6'), one.waiting], [[true], 3])
})

t.test('who has waited for too long is told, and has left the queue by then', async (t) => {
  const room = new Room()
  room.enter('1')
  room.schedule.pass(400)
  room.enter('2')
  room.schedule.pass(599)
  t.strictSame(room.late, [])
  room.schedule.pass(1)
  t.strictSame([room.late, room.waiting], [['1 late after 1000'], 1])
  room.schedule.pass(400)
  t.strictSame([room.late, room.waiting], [['1 late after 1000', '2 late after 1000'], 0])
})

t.test('who has got a place, or has left, is not told that it is late', async (t) => {
  const room = new Room()
  const leaving = room.waiter('leaving')
  room.enter('1')
  room.queue.enter(leaving)
  room.free.a = 1
  await room.wake()
  room.queue.leave(leaving)
  room.queue.leave(leaving)
  t.equal(room.waiting, 0, 'once')
  room.schedule.pass(2 * TIMEOUT_MS)
  t.strictSame(room.late, [])
})

t.test('who has left is not asked', async (t) => {
  const room = new Room()
  const leaving = room.waiter('leaving')
  room.queue.enter(leaving)
  room.enter('2')
  room.queue.leave(leaving)
  room.free.a = 2
  await room.wake()
  t.strictSame(room.told, ['2 asked', '2 placed'])
})

t.test('many attempts that end in one turn ask once, when the turn is over', async (t) => {
  const room = new Room()
  room.enter('1')
  for (let i = 0; i < 5; i++) room.queue.wakeSoon()
  t.strictSame(room.told, [])
  await Promise.resolve()
  t.strictSame(room.told, ['1 asked'])
  await room.wake()
  t.strictSame(room.told, ['1 asked', '1 asked'], 'and the next turn asks again')
})

t.test('places that somebody else has made are found within 5 ms, as long as anybody waits, and then nothing is looked for', async (t) => {
  const room = new Room()
  t.equal(room.schedule.pending, 0)
  room.enter('1', '2')
  room.schedule.pass(5)
  room.schedule.pass(5)
  t.strictSame(room.told, ['1 asked', '1 asked'], 'one look each time, however many wait')
  room.free.a = 1
  room.schedule.pass(5)
  t.strictSame(room.placed, ['1 placed'])
  room.free.a = 1
  room.schedule.pass(5)
  t.strictSame(room.placed, ['1 placed', '2 placed'])
  room.schedule.pass(TIMEOUT_MS)
  t.equal(room.schedule.pending, 0)
})

t.test('a queue that is closed forgets who waits: nobody is asked or told any more, and no look is left', async (t) => {
  const room = new Room()
  room.enter('1', '2')
  room.queue.close()
  room.free.a = 2
  await room.wake()
  room.schedule.pass(2 * TIMEOUT_MS)
  t.strictSame([room.told, room.waiting, room.schedule.pending], [[], 0, 0])
})

t.test('who comes back into the queue while it is placed waits like anybody else', async (t) => {
  const room = new Room()
  let isBack = false
  const returning: PlaceWaiter = {
    placeFree () {
      if (isBack) return false
      isBack = true
      room.queue.leave(returning)
      return room.queue.enter(returning)
    },
    waitedTooLong: () => { room.told.push('returning late') }
  }
  room.queue.enter(returning)
  room.schedule.pass(300)
  await room.wake()
  t.strictSame([room.waiting, room.queue.isEmpty], [1, false])
  room.schedule.pass(TIMEOUT_MS)
  t.strictSame([room.waiting, room.told], [0, ['returning late']], 'once, with its second deadline')
})
