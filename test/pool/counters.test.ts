import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { Counters } from '../../src/pool/counters.ts'
import { CURSOR_RETRY, CURSOR_ROUND_ROBIN } from '../../src/pool/slots.ts'

/** The counters of `rows` threads that share one memory. */
function sharedRows (rows: number, capacity: number): Counters[] {
  const first = new Counters({ capacity, rows })
  return [first, ...Array.from({ length: rows - 1 }, (_, index) => new Counters({ capacity, rows, row: index + 1, memory: first.memory }))]
}

/** Both threads meet before each round, so that they advance at the same time. */
const ADVANCING_THREAD = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { countersModule, options, cursor, rounds, perRound, meeting, taken } = workerData
  import(countersModule).then(({ Counters }) => {
    const counters = new Counters(options)
    const arrivals = new Int32Array(meeting)
    const numbers = new Uint32Array(taken)
    let count = 0
    parentPort.postMessage('ready')
    for (let round = 1; round <= rounds; round++) {
      Atomics.add(arrivals, 0, 1)
      while (Atomics.load(arrivals, 0) < 2 * round);
      for (let i = 0; i < perRound; i++) numbers[count++] = counters.advance(cursor)
    }
  })
`

t.test('an attempt is in flight from its start to its end, and counts as a request for good', async (t) => {
  const counters = new Counters({ capacity: 2 })
  counters.attemptStarted(1)
  counters.attemptStarted(1)
  t.equal(counters.inFlight(1), 2)
  t.equal(counters.requests(1), 2)
  counters.attemptEnded(1)
  t.equal(counters.inFlight(1), 1)
  counters.attemptEnded(1)
  t.equal(counters.inFlight(1), 0)
  t.equal(counters.requests(1), 2)
  t.equal(counters.failures(1), 0)
})

t.test('a failure is counted beside the attempt, which is not ended by it', async (t) => {
  const counters = new Counters({ capacity: 1 })
  counters.attemptStarted(0)
  counters.attemptFailed(0)
  t.equal(counters.failures(0), 1)
  t.equal(counters.requests(0), 1)
  t.equal(counters.inFlight(0), 1)
})

t.test('a cursor gives the numbers from 0 on, each cursor its own', async (t) => {
  const counters = new Counters({ capacity: 1 })
  t.strictSame([1, 2, 3].map(() => counters.advance(CURSOR_ROUND_ROBIN)), [0, 1, 2])
  t.strictSame([1, 2].map(() => counters.advance(CURSOR_RETRY)), [0, 1])
  t.equal(counters.advance(CURSOR_ROUND_ROBIN), 3)
})

t.test('what is read of a backend is the sum over all threads, whichever reads', async (t) => {
  const [first, second, third] = sharedRows(3, 2)
  for (let i = 0; i < 5; i++) first?.attemptStarted(1)
  for (let i = 0; i < 7; i++) third?.attemptStarted(1)
  first?.attemptEnded(1)
  third?.attemptEnded(1)
  third?.attemptFailed(1)
  first?.attemptFailed(1)
  for (const counters of [first, second, third]) {
    t.equal(counters?.inFlight(1), 10)
    t.equal(counters?.requests(1), 12)
    t.equal(counters?.failures(1), 2)
    t.equal(counters?.requests(0), 0)
  }
})

t.test('no counter lies over another, whatever the row and the backend', async (t) => {
  const capacity = 3
  const rows = sharedRows(3, capacity)
  const inFlightOf = (row: number, slot: number): number => 1 + slot + capacity * row
  for (const [row, counters] of rows.entries()) {
    for (let slot = 0; slot < capacity; slot++) {
      for (let i = 0; i < 2 * inFlightOf(row, slot); i++) counters.attemptStarted(slot)
      for (let i = 0; i < inFlightOf(row, slot); i++) counters.attemptEnded(slot)
      for (let i = 0; i < 3 * inFlightOf(row, slot); i++) counters.attemptFailed(slot)
    }
    t.equal(counters.advance(CURSOR_ROUND_ROBIN), row)
  }
  for (let slot = 0; slot < capacity; slot++) {
    const sum = inFlightOf(0, slot) + inFlightOf(1, slot) + inFlightOf(2, slot)
    t.equal(rows[0]?.inFlight(slot), sum)
    t.equal(rows[0]?.requests(slot), 2 * sum)
    t.equal(rows[0]?.failures(slot), 3 * sum)
  }
  t.equal(rows[0]?.advance(CURSOR_RETRY), 0)
})

t.test('what a dead thread had in flight is given back, and only that', async (t) => {
  const [first, second] = sharedRows(2, 2)
  first?.attemptStarted(0)
  for (const slot of [0, 0, 1]) second?.attemptStarted(slot)
  second?.attemptEnded(0)
  second?.attemptFailed(1)
  first?.releaseRow(1)
  t.equal(first?.inFlight(0), 1)
  t.equal(first?.inFlight(1), 0)
  t.equal(first?.requests(0), 3)
  t.equal(first?.requests(1), 1)
  t.equal(first?.failures(1), 1)
  t.strictSame([first?.ownInFlight(0), second?.ownInFlight(0), second?.ownInFlight(1)], [1, 0, 0])
})

t.test('more backends than there is room for are refused, with what to change', async (t) => {
  const counters = new Counters({ capacity: 2 })
  t.doesNotThrow(() => counters.assertRoomFor(2))
  t.throws(() => counters.assertRoomFor(3), { code: 'FL_SLOTS_EXHAUSTED', message: /hold 2 backends: create them with a larger capacity/ })
})

t.test('two threads that advance a cursor at the same time never get the same number', async (t) => {
  const rounds = 20
  const perRound = 5_000
  const counters = new Counters({ capacity: 1, rows: 2 })
  const meeting = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const taken = new SharedArrayBuffer(rounds * perRound * Uint32Array.BYTES_PER_ELEMENT)
  const worker = new Worker(ADVANCING_THREAD, {
    eval: true,
    workerData: {
      countersModule: new URL('../../src/pool/counters.ts', import.meta.url).href,
      options: { capacity: 1, rows: 2, row: 1, memory: counters.memory },
      cursor: CURSOR_ROUND_ROBIN, rounds, perRound, meeting, taken
    }
  })
  const exited = once(worker, 'exit')
  await once(worker, 'message')

  const numbers = new Set<number>()
  const arrivals = new Int32Array(meeting)
  for (let round = 1; round <= rounds; round++) {
    Atomics.add(arrivals, 0, 1)
    while (Atomics.load(arrivals, 0) < 2 * round);
    for (let i = 0; i < perRound; i++) numbers.add(counters.advance(CURSOR_ROUND_ROBIN))
  }
  t.strictSame(await exited, [0])
  for (const number of new Uint32Array(taken)) numbers.add(number)
  t.equal(numbers.size, 2 * rounds * perRound, 'all are distinct')
  t.equal(counters.advance(CURSOR_ROUND_ROBIN), 2 * rounds * perRound, 'none was left out')
})

t.test('bad answers are totals of their own, over all threads', async (t) => {
  const [one, other] = sharedRows(2, 3)
  if (one === undefined || other === undefined) throw new Error('there are two')
  one.badAnswer(1)
  other.badAnswer(1)
  other.attemptFailed(1)
  t.strictSame([0, 1, 2].map((slot) => [one.badAnswers(slot), one.failures(slot), one.requests(slot)]), [[0, 0, 0], [2, 1, 0], [0, 0, 0]])
})

t.test('within a limit is over all threads, and what is refused is not counted', async (t) => {
  const [one, other] = sharedRows(2, 2)
  if (one === undefined || other === undefined) throw new Error('there are two')
  t.strictSame([one.attemptStartedWithin(1, 2), other.attemptStartedWithin(1, 2), one.attemptStartedWithin(1, 2), other.attemptStartedWithin(1, 2)], [true, true, false, false])
  t.strictSame([one.inFlight(1), one.requests(1), one.ownInFlight(1)], [2, 2, 1])
  other.attemptEnded(1)
  t.ok(one.attemptStartedWithin(1, 2))
  t.strictSame([one.ownInFlight(1), other.ownInFlight(1), one.requests(1)], [2, 0, 3])
})

t.test('the attempts sent to any backend are counted over all threads, as they are sent', async (t) => {
  const [one, other] = sharedRows(2, 3)
  if (one === undefined || other === undefined) throw new Error('there are two')
  t.equal(one.allRequests, 0)
  for (const slot of [0, 2, 2]) one.attemptStarted(slot)
  other.attemptStartedWithin(1, 1)
  t.notOk(one.attemptStartedWithin(1, 1), 'what is refused is not counted')
  other.attemptEnded(1)
  other.attemptFailed(1)
  other.badAnswer(2)
  t.strictSame([one.allRequests, other.allRequests], [4, 4])
  one.releaseRow(1)
  t.strictSame([one.allRequests, one.requests(0), one.requests(1), one.requests(2)], [4, 1, 1, 2], 'those of a thread that has died stay')
})

t.test('turns may begin anywhere, and go on from there for every thread', async (t) => {
  const [one, other] = sharedRows(2, 3)
  if (one === undefined || other === undefined) throw new Error('there are two')
  const drawn = [0.25, 0.5]
  one.scatter(() => drawn.shift() ?? NaN)
  t.strictSame([one.advance(CURSOR_ROUND_ROBIN), other.advance(CURSOR_ROUND_ROBIN), one.advance(CURSOR_RETRY)], [2 ** 28, 2 ** 28 + 1, 2 ** 29])
})
