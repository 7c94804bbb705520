import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { Gauges } from '../../src/pool/gauges.ts'

/** The gauges of `rows` threads that share one memory. */
function sharedRows (rows: number, size: number): Gauges[] {
  const first = new Gauges({ size, rows })
  return [first, ...Array.from({ length: rows - 1 }, (_, index) => new Gauges({ size, rows, row: index + 1, memory: first.memory }))]
}

t.test('a gauge counts what was added or acquired and not released, each gauge by itself', async (t) => {
  const gauges = new Gauges({ size: 2 })
  gauges.add(1)
  t.ok(gauges.acquire(1, 5))
  t.strictSame([gauges.count(0), gauges.count(1)], [0, 2])
  gauges.release(1)
  gauges.release(1)
  t.equal(gauges.count(1), 0)
})

t.test('a place is given as long as there is one, over all threads', async (t) => {
  const [first, second] = sharedRows(2, 1)
  t.strictSame([first?.acquire(0, 3), second?.acquire(0, 3), first?.acquire(0, 3)], [true, true, true])
  t.strictSame([first?.acquire(0, 3), second?.acquire(0, 3)], [false, false])
  t.equal(second?.count(0), 3, 'a refusal takes no place')
  first?.release(0)
  t.ok(second?.acquire(0, 3))
})

t.test('what is added whatever the limit counts against the limit', async (t) => {
  const gauges = new Gauges({ size: 1 })
  gauges.add(0)
  gauges.add(0)
  t.notOk(gauges.acquire(0, 1))
  gauges.release(0)
  gauges.release(0)
  t.ok(gauges.acquire(0, 1))
})

t.test('what a thread held that has ended is given back, and only that', async (t) => {
  const [first, second, third] = sharedRows(3, 20)
  for (let gauge = 0; gauge < 20; gauge++) {
    for (let i = 0; i <= gauge; i++) second?.add(gauge)
    first?.add(gauge)
    third?.add(gauge)
  }
  first?.releaseRow(1)
  for (let gauge = 0; gauge < 20; gauge++) t.strictSame([first?.count(gauge), second?.ownCount(gauge), third?.ownCount(gauge)], [2, 0, 1])
  first?.releaseRow(1)
  t.equal(first?.count(0), 2, 'once')
})

t.test('a thread that takes the place of one that has ended counts in its row', async (t) => {
  const [first] = sharedRows(2, 1)
  const successor = new Gauges({ size: 1, rows: 2, row: 1, ...(first !== undefined && { memory: first.memory }) })
  successor.add(0)
  t.strictSame([first?.count(0), successor.ownCount(0), first?.ownCount(0)], [1, 1, 0])
})

t.test('a row that there is not has nothing to give back', async (t) => {
  const [first] = sharedRows(2, 1)
  first?.add(0)
  first?.releaseRow(2)
  t.equal(first?.count(0), 1)
})

/** Both threads meet before each round, so that they ask for the last place at the same time; they meet again before it is given back. */
const ASKING_THREAD = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { gaugesModule, options, rounds, meeting, granted } = workerData
  import(gaugesModule).then(({ Gauges }) => {
    const gauges = new Gauges(options)
    const arrivals = new Int32Array(meeting)
    const successes = new Int32Array(granted)
    const meet = (times) => { Atomics.add(arrivals, 0, 1); while (Atomics.load(arrivals, 0) < 2 * times); }
    parentPort.postMessage('ready')
    for (let round = 0; round < rounds; round++) {
      meet(2 * round + 1)
      const isGranted = gauges.acquire(0, 1)
      if (isGranted) Atomics.add(successes, round, 1)
      meet(2 * round + 2)
      if (isGranted) gauges.release(0)
    }
  })
`

t.test('of two threads that ask for the last place at the same time exactly one gets it', async (t) => {
  const rounds = 5_000
  const gauges = new Gauges({ size: 1, rows: 2 })
  const [meeting, granted] = [new SharedArrayBuffer(4), new SharedArrayBuffer(4 * rounds)]
  const threads = [0, 1].map((row) => new Worker(ASKING_THREAD, {
    eval: true,
    workerData: {
      gaugesModule: new URL('../../src/pool/gauges.ts', import.meta.url).href,
      options: { size: 1, rows: 2, row, memory: gauges.memory },
      rounds, meeting, granted
    }
  }))
  await Promise.all(threads.map((thread) => once(thread, 'exit')))
  t.strictSame(new Set(new Int32Array(granted)), new Set([1]))
  t.equal(gauges.count(0), 0)
})

t.test('a thread that ended with the lock in its hand holds nobody up once its row is released', async (t) => {
  const [first, second] = sharedRows(2, 1)
  if (first === undefined || second === undefined) throw new Error('a row is missing')
  first.add(0)
  new Int32Array(first.memory)[0] = 2
  t.notOk(first.acquire(0, 1), 'nobody waits for ever')
  second.releaseRow(1)
  first.release(0)
  t.ok(first.acquire(0, 1))
  t.notOk(second.acquire(0, 1))
})
