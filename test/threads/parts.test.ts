/** The small parts of the supervisor, by themselves. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { Backoff } from '../../src/threads/backoff.ts'
import { Heartbeats, Watch } from '../../src/threads/heartbeats.ts'
import { isOrder, isToSupervisor, isToWorker } from '../../src/threads/messages.ts'
import { Seat } from '../../src/threads/seat.ts'
import { assertPortCanBeShared } from '../../src/threads/shared-port.ts'
import { workerCount } from '../../src/threads/worker-count.ts'
import { portOf } from '../helper.ts'

t.test('as many workers as WORKERS says; auto: as many as there are processors; what is not valid is left to the configuration', async (t) => {
  for (const [text, count] of [[undefined, 1], ['1', 1], ['2', 2], ['007', 7], ['128', 128], ['auto', 6]] as const) t.equal(workerCount(text, 6), count, String(text))
  for (const text of ['', '0', '-2', '1.5', 'x', 'Infinity', 'AUTO']) t.equal(workerCount(text, 6), 1, text)
  t.equal(workerCount('auto', 1), 1)
  t.equal(workerCount('auto', 500), 128)
})

t.test('who ends again and again is waited with longer and longer, up to a bound', async (t) => {
  const backoff = new Backoff()
  t.strictSame([1, 2, 3, 4, 5, 6, 7].map(() => backoff.delayMs(100)), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

t.test('who ran for long enough begins anew', async (t) => {
  const backoff = new Backoff({ firstMs: 10, longestMs: 50, steadyMs: 100 })
  t.strictSame([0, 0, 99, 100, 0].map((ranMs) => backoff.delayMs(ranMs)), [10, 20, 40, 10, 20])
})

t.test('looks without a sign of life are counted from the last one on, for each thread by itself', async (t) => {
  const heartbeats = new Heartbeats(3)
  const there = new Heartbeats(3, heartbeats.memory)
  const [one, two] = [new Watch(heartbeats, 1), new Watch(heartbeats, 2)]
  t.strictSame([one.look(), one.look()], [1, 2])
  there.beat(1)
  t.strictSame([one.look(), two.look()], [0, 1])
  t.equal(one.look(), 1)
})

t.test('a watch that begins late counts no beat of before', async (t) => {
  const heartbeats = new Heartbeats(2)
  heartbeats.beat(1)
  t.equal(new Watch(heartbeats, 1).look(), 1)
})

t.test('where no thread can be started, that is taken for the end of one', async (t) => {
  const memory = new SharedArrayBuffer(0)
  const secret = new Uint8Array(32)
  // A thread cannot be given what is somebody else's already: it fails as it does when there are too many.
  structuredClone(secret.buffer, { transfer: [secret.buffer] })
  const ends: string[] = []
  const seat = new Seat({
    order: {
      kind: 'fastlancer-worker', worker: 1, rows: 2, capacity: 0, env: {}, ticketSecret: secret, isTerminal: false,
      memory: { counters: { totals: memory, inFlight: memory }, board: memory, gauges: memory, retryBudget: memory, heartbeats: memory, lines: memory }
    },
    heartbeats: new Heartbeats(2),
    onMessage: () => {},
    onEnd: (_seat, reason) => ends.push(reason)
  })
  seat.start()
  t.notOk(seat.isOccupied)
  t.match(ends, [/^no thread could be started: /])
})

t.test('a port that somebody has cannot be shared; one that is free is free afterwards', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  await t.rejects(assertPortCanBeShared('127.0.0.1', port), { code: 'FL_LISTEN_FAILED', message: /EADDRINUSE.*change HOST and PORT/ })
  server.close()
  await once(server, 'close')
  await assertPortCanBeShared('127.0.0.1', port)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  server.close()
})

t.test('a port that is shared by others is not free either', async (t) => {
  const server = createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true })
  await once(server, 'listening')
  await t.rejects(assertPortCanBeShared('127.0.0.1', portOf(server)), { code: 'FL_LISTEN_FAILED' })
  server.close()
})

t.test('what a plugin says to the supervisor, or to a worker, is not taken for ours', async (t) => {
  for (const strange of [undefined, null, 'ready', 7, {}, { type: 'hello' }, { kind: 'other' }]) {
    t.strictSame([isToSupervisor(strange), isToWorker(strange), isOrder(strange)], [false, false, false])
  }
  t.ok(isToSupervisor({ type: 'ready' }))
  t.ok(isToWorker({ type: 'gate' }))
})
