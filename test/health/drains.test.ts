import t from 'tap'
import { DRAIN_LOOK_INTERVAL_MS, Drains } from '../../src/health/drains.ts'
import { Board } from '../../src/pool/board.ts'
import type { Backend } from '../../src/pool/backend.ts'
import { Counters } from '../../src/pool/counters.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { REASON_DRAIN_SELF } from '../../src/pool/slots.ts'
import { madePool } from '../pool/made-pool.ts'
import { VirtualSchedule } from '../virtual-schedule.ts'

const STARTED_MS = Date.UTC(2030, 0, 1)
const ORIGINS = ['http://a', 'http://b']

interface Arranged {
  readonly schedule: VirtualSchedule
  readonly pool: Pool
  readonly a: Backend
  readonly b: Backend
  readonly drains: Drains
  /** What was told, as `t=250 http://a draining: why`. */
  readonly events: string[]
}

/** A pool that is watched in virtual time. */
function arrange (): Arranged {
  const schedule = new VirtualSchedule()
  const pool = madePool(ORIGINS, { nowMs: STARTED_MS })
  const [a, b] = pool.backends
  if (a === undefined || b === undefined) throw new Error('the pool lacks a backend')
  const events: string[] = []
  const drains = new Drains({
    pool,
    schedule,
    wallClockMs: () => STARTED_MS + schedule.nowMs(),
    onEvent: ({ url }, event, reason) => { events.push(`t=${schedule.nowMs()} ${url} ${event}: ${reason}`) }
  })
  return { schedule, pool, a, b, drains, events }
}

const LOOK_MS = DRAIN_LOOK_INTERVAL_MS

t.test('who is drained is told with the next look, and that it has drained with the first one behind that finds nothing in flight', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  drains.start()
  pool.begin(a)
  pool.begin(a)
  pool.verdicts.drain(a, 'why', STARTED_MS)
  schedule.pass(LOOK_MS)
  t.strictSame(events, [`t=${LOOK_MS} http://a draining: why`])
  pool.ended(a, 1, 200)
  schedule.pass(5 * LOOK_MS)
  t.equal(events.length, 1, 'one is still in flight')
  pool.ended(a, 1, 200)
  schedule.pass(LOOK_MS)
  t.strictSame(events.slice(1), [`t=${7 * LOOK_MS} http://a drained: why`])
  schedule.pass(10 * LOOK_MS)
  t.equal(events.length, 2, 'once')
})

t.test('a backend with nothing in flight is not told of as drained before a look has passed: another thread may just have picked it', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  pool.verdicts.drain(a, 'why', STARTED_MS)
  drains.start()
  t.strictSame(events, ['t=0 http://a draining: why'])
  drains.look()
  pool.begin(a)
  schedule.pass(LOOK_MS)
  t.equal(events.length, 1)
  pool.ended(a, 1, 200)
  schedule.pass(LOOK_MS)
  t.strictSame(events.slice(1), [`t=${2 * LOOK_MS} http://a drained: why`])
})

t.test('one that is back is told of, and is not told of as drained any more', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  drains.start()
  pool.begin(a)
  pool.verdicts.drain(a, 'why', STARTED_MS)
  schedule.pass(LOOK_MS)
  pool.verdicts.undrain(a, 'because', STARTED_MS)
  pool.ended(a, 1, 200)
  schedule.pass(3 * LOOK_MS)
  t.strictSame(events, [`t=${LOOK_MS} http://a draining: why`, `t=${2 * LOOK_MS} http://a back: because`])
})

t.test('why it has drained is why that began, whatever its probes say meanwhile', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  drains.start()
  pool.begin(a)
  pool.verdicts.drain(a, 'why', STARTED_MS)
  schedule.pass(LOOK_MS)
  pool.verdicts.judge(a, false, 'answered 500', STARTED_MS)
  pool.ended(a, 1, 200)
  schedule.pass(LOOK_MS)
  t.strictSame(events.slice(1), [`t=${2 * LOOK_MS} http://a drained: why`])
})

t.test('each time that it is drained is told of', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  drains.start()
  for (const round of [1, 2]) {
    pool.verdicts.drain(a, `why ${round}`, STARTED_MS)
    schedule.pass(2 * LOOK_MS)
    pool.verdicts.undrain(a, 'because', STARTED_MS)
    schedule.pass(LOOK_MS)
  }
  t.strictSame(events.map((event) => event.replace(/^t=\d+ /, '')), [1, 2].flatMap((round) => [`http://a draining: why ${round}`, `http://a drained: why ${round}`, 'http://a back: because']))
})

t.test('a wish of the backend that another thread has heard is explained here, with the time of the look', async (t) => {
  const { schedule, pool, a, b, drains, events } = arrange()
  const other = madePool(ORIGINS, {
    counters: new Counters({ capacity: 2, memory: pool.counters.memory }),
    board: new Board({ capacity: 2, memory: pool.board.memory })
  })
  drains.start()
  schedule.pass(LOOK_MS / 2)
  for (const backend of other.backends.slice(0, 1)) other.verdicts.drainAsAsked(backend)
  t.equal(a.state, 'draining', 'which holds at once')
  schedule.pass(LOOK_MS / 2)
  t.strictSame(events, [`t=${LOOK_MS} http://a draining: it asks to be drained (x-fastlancer-drain)`])
  t.match(a.status(), { state: 'draining', since: new Date(STARTED_MS + LOOK_MS).toISOString() })
  t.match(b.status(), { state: 'up', reason: 'not probed yet' })
})

t.test('who asks besides is told of, and the backend is back when nobody asks any more', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  drains.start()
  pool.verdicts.drain(a, 'why', STARTED_MS)
  schedule.pass(2 * LOOK_MS)
  pool.board.set(a.slot, REASON_DRAIN_SELF)
  schedule.pass(2 * LOOK_MS)
  pool.verdicts.undrain(a, 'because', STARTED_MS)
  schedule.pass(2 * LOOK_MS)
  t.equal(a.reason, 'it asks to be drained (x-fastlancer-drain)', 'which holds on')
  pool.verdicts.undrainAsAsked(a, 'answered 200', STARTED_MS)
  schedule.pass(2 * LOOK_MS)
  t.strictSame(events.map((event) => event.replace(/^t=\d+ http:\/\/a /, '')), [
    'draining: why', 'drained: why', 'draining: it asks to be drained (x-fastlancer-drain)', 'back: answered 200'
  ])
})

t.test('other changes of the board are none of its business', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  drains.start()
  pool.verdicts.judge(a, false, 'down', STARTED_MS)
  schedule.pass(LOOK_MS)
  pool.verdicts.judge(a, true, 'up', STARTED_MS)
  schedule.pass(LOOK_MS)
  t.strictSame(events, [])
})

t.test('it looks from its start to its stop, once at a time', async (t) => {
  const { schedule, pool, a, drains, events } = arrange()
  pool.verdicts.drain(a, 'why', STARTED_MS)
  schedule.pass(5 * LOOK_MS)
  t.strictSame([events, schedule.pending], [[], 0])
  drains.start()
  drains.start()
  t.equal(schedule.pending, 1)
  drains.stop()
  t.equal(schedule.pending, 0)
  pool.verdicts.undrain(a, 'because', STARTED_MS)
  schedule.pass(5 * LOOK_MS)
  t.equal(events.length, 1)
  drains.start()
  t.equal(events.length, 2, 'what it has missed is told')
})
