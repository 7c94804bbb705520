/** Backends of a pool that are to finish what they have. */
import t from 'tap'
import type { Backend } from '../../src/pool/backend.ts'
import { Board } from '../../src/pool/board.ts'
import { Counters } from '../../src/pool/counters.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { NOTE_JUDGED, REASON_FULL } from '../../src/pool/slots.ts'
import { FRESH, madePool } from './made-pool.ts'

const STARTED_MS = Date.UTC(2030, 0, 1)
const LATER_MS = Date.UTC(2030, 0, 2)
const ORIGINS = ['http://a', 'http://b']

function twoBackends (options: Parameters<typeof madePool>[1] = {}): { pool: Pool, a: Backend, b: Backend } {
  const pool = madePool(ORIGINS, { nowMs: STARTED_MS, ...options })
  const [a, b] = pool.backends
  if (a === undefined || b === undefined) throw new Error('the pool lacks a backend')
  return { pool, a, b }
}

const urls = ({ available }: Pool): string[] => available.map(({ url }) => url)

t.test('a drained backend gets no new request, and is in flight until the last one is over', async (t) => {
  const { pool, a, b } = twoBackends()
  pool.begin(a)
  t.ok(pool.verdicts.drain(a, 'for an update', LATER_MS))
  t.strictSame([pool.mayPick(a), a.position], [false, -1])
  t.strictSame([1, 2, 3].map(() => pool.pick(FRESH)), [b, b, b])
  t.match(a.status(), { state: 'draining', healthy: true, inFlight: 1, reason: 'for an update', since: '2030-01-02T00:00:00.000Z' })
  pool.ended(a, 1, 200)
  t.match(a.status(), { state: 'draining', inFlight: 0 })
})

t.test('draining is news once, and so is its end', async (t) => {
  const { pool, a } = twoBackends()
  t.notOk(pool.verdicts.undrain(a, 'why', LATER_MS))
  t.ok(pool.verdicts.drain(a, 'first', STARTED_MS))
  t.notOk(pool.verdicts.drain(a, 'second', LATER_MS))
  t.match(a.status(), { reason: 'first', since: '2030-01-01T00:00:00.000Z' })
  t.ok(pool.verdicts.undrain(a, 'back', LATER_MS))
  t.notOk(pool.verdicts.undrain(a, 'again', LATER_MS + 1))
  t.match(a.status(), { state: 'up', reason: 'back', since: '2030-01-02T00:00:00.000Z' })
  t.strictSame(urls(pool), ORIGINS)
})

t.test('what somebody asks for and what the backend asks for end apart', async (t) => {
  const { pool, a } = twoBackends()
  pool.verdicts.drain(a, 'for an update', STARTED_MS)
  pool.verdicts.drainAsAsked(a)
  t.ok(pool.verdicts.undrain(a, 'the update is done', LATER_MS))
  t.match(a.status(), { state: 'draining', reason: 'for an update' })
  t.notOk(pool.verdicts.undrain(a, 'the update is done', LATER_MS))
  t.strictSame(urls(pool), ['http://b'])
  t.ok(pool.verdicts.undrainAsAsked(a, 'answered 200', LATER_MS))
  t.notOk(pool.verdicts.undrainAsAsked(a, 'answered 200', LATER_MS))
  t.match(a.status(), { state: 'up', reason: 'answered 200' })
  t.strictSame(urls(pool), ORIGINS)
})

t.test('it holds for the next pick of every thread, whoever says so', async (t) => {
  const { pool, a, b } = twoBackends()
  const other = madePool(ORIGINS, {
    counters: new Counters({ capacity: 2, memory: pool.counters.memory }),
    board: new Board({ capacity: 2, memory: pool.board.memory })
  })
  pool.verdicts.drain(a, 'for an update', LATER_MS)
  t.strictSame([1, 2].map(() => other.pick(FRESH)?.url), ['http://b', 'http://b'])
  for (const backend of other.backends.slice(1)) other.verdicts.drainAsAsked(backend)
  t.equal(pool.pick(FRESH), undefined)
  t.strictSame([a.state, b.state], ['draining', 'draining'])
  pool.verdicts.undrain(a, 'done', LATER_MS)
  t.strictSame([1, 2].map(() => other.pick(FRESH)?.url), ['http://a', 'http://a'])
})

t.test('it is apart from health: a verdict does not end it, and what is down stays so when it is over', async (t) => {
  const { pool, a } = twoBackends()
  pool.verdicts.drain(a, 'for an update', LATER_MS)
  pool.verdicts.judge(a, false, 'answered 503', LATER_MS)
  t.match(a.status(), { state: 'draining', healthy: false })
  pool.verdicts.undrain(a, 'done', LATER_MS)
  t.match(a.status(), { state: 'down', healthy: false })
  t.strictSame(urls(pool), ['http://b'])
  pool.verdicts.judge(a, true, 'answered 200', LATER_MS)
  t.strictSame(urls(pool), ORIGINS)
})

t.test('in a panic too it is not picked', async (t) => {
  const { pool, a, b } = twoBackends({ rules: { minGroupRatio: 0, panicRatio: 1 } })
  pool.verdicts.drain(a, 'for an update', LATER_MS)
  pool.verdicts.judge(b, false, 'down', LATER_MS)
  t.strictSame(urls(pool), ['http://b'])
  pool.verdicts.drainAsAsked(b)
  t.strictSame(urls(pool), [])
})

t.test('one that is back gets its share little by little, where there is a slow start', async (t) => {
  const { pool, a } = twoBackends({ slowStartMs: 10_000, wallClockMs: () => LATER_MS + 5_000 })
  pool.verdicts.drain(a, 'for an update', STARTED_MS)
  pool.verdicts.undrain(a, 'done', LATER_MS)
  t.ok(pool.isWarming)
  t.equal(a.ramp, 0.5)
})

t.test('no note, and no reason but its own, is taken for it', async (t) => {
  const { pool, a } = twoBackends()
  pool.board.set(a.slot, NOTE_JUDGED | REASON_FULL)
  t.notOk(pool.verdicts.undrain(a, 'why', LATER_MS))
  t.notOk(pool.verdicts.undrainAsAsked(a, 'why', LATER_MS))
  t.equal(a.reason, 'not probed yet')
})
