import t from 'tap'
import { Monitor } from '../../src/health/monitor.ts'
import type { ProbeOutcome } from '../../src/health/prober.ts'
import type { Backend } from '../../src/pool/backend.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { VirtualSchedule } from '../virtual-schedule.ts'
import { madePool } from '../pool/made-pool.ts'

const INTERVAL_MS = 1_000
const STARTED_MS = Date.UTC(2030, 0, 1)
const GOOD: ProbeOutcome = { good: true, reason: 'answered 200' }
const DRAINS: ProbeOutcome = { good: false, reason: 'answered 503', drains: true }
const BAD: ProbeOutcome = { good: false, reason: 'answered 503' }

interface Arrangement {
  readonly rise?: number
  readonly fall?: number
  readonly downIntervalMs?: number
  /** What the backends answer, by URL: the first outcome of the list, then the next; without one a probe stays unanswered. */
  readonly outcomes: Record<string, ProbeOutcome[]>
}

interface Arranged {
  readonly schedule: VirtualSchedule
  readonly pool: Pool
  readonly monitor: Monitor
  /** The changes that were told: `t=100 http://a up: answered 200`. */
  readonly changes: string[]
  /** What was told of draining: `t=100 http://a draining: answered 200`. */
  readonly drains: string[]
  /** The URLs of the available backends. */
  readonly available: () => string[]
}

/** A monitor of a pool of `a` and `b` in virtual time, where each probe takes 100 ms. */
function arrange ({ rise = 1, fall = 1, downIntervalMs = 0, outcomes }: Arrangement): Arranged {
  const schedule = new VirtualSchedule()
  const pool = madePool(['http://a', 'http://b'], { nowMs: STARTED_MS })
  const changes: string[] = []
  const drains: string[] = []
  const monitor = new Monitor({
    pool,
    rise,
    fall,
    intervalMs: INTERVAL_MS,
    downIntervalMs,
    timeoutMs: 400,
    schedule,
    wallClockMs: () => STARTED_MS + schedule.nowMs(),
    probe: (backend, done) => {
      const outcome = outcomes[backend.url]?.shift()
      return outcome === undefined ? () => {} : schedule.after(100, () => done(outcome))
    },
    onChange: (backend: Backend) => { changes.push(`t=${schedule.nowMs()} ${backend.url} ${backend.healthy ? 'up' : 'down'}: ${backend.reason}`) },
    onDrain: ({ url }, event, reason) => { drains.push(`t=${schedule.nowMs()} ${url} ${event}: ${reason}`) }
  })
  return { schedule, pool, monitor, changes, drains, available: () => pool.available.map(({ url }) => url) }
}

t.test('the first verdict on each backend is told, with its reason', async (t) => {
  const { schedule, monitor, changes } = arrange({ outcomes: { 'http://a': [GOOD], 'http://b': [BAD] } })
  monitor.start()
  schedule.pass(100)
  t.strictSame(changes, ['t=100 http://a up: answered 200', 't=100 http://b down: answered 503'])
})

t.test('a backend leaves the pool with a bad probe and comes back with a good one', async (t) => {
  const { schedule, monitor, available } = arrange({
    outcomes: { 'http://a': [GOOD, BAD, GOOD], 'http://b': [GOOD, GOOD, GOOD] }
  })
  monitor.start()
  schedule.pass(100)
  t.strictSame(available(), ['http://a', 'http://b'])
  schedule.pass(500)
  t.strictSame(available(), ['http://b'])
  schedule.pass(INTERVAL_MS)
  t.strictSame(available(), ['http://a', 'http://b'])
})

t.test('a change is told once, not with each probe that confirms it', async (t) => {
  const { schedule, monitor, changes } = arrange({
    outcomes: { 'http://a': [BAD, BAD, BAD, BAD], 'http://b': [GOOD, GOOD, BAD, BAD] }
  })
  monitor.start()
  schedule.pass(3 * INTERVAL_MS)
  t.strictSame(changes, ['t=100 http://a down: answered 503', 't=100 http://b up: answered 200', 't=1600 http://b down: answered 503'])
})

t.test('a backend changes after as many probes in a row as the thresholds say, each backend counted by itself', async (t) => {
  const { schedule, monitor, changes } = arrange({
    rise: 2,
    fall: 3,
    outcomes: { 'http://a': [GOOD, BAD, BAD, BAD, GOOD, GOOD], 'http://b': [GOOD, BAD, BAD, GOOD, BAD, BAD] }
  })
  monitor.start()
  schedule.pass(100)
  changes.length = 0
  schedule.pass(5 * INTERVAL_MS)
  t.strictSame(changes, ['t=2600 http://a down: answered 503', 't=4600 http://a up: answered 200'])
})

t.test('a probe that takes too long counts against its backend', async (t) => {
  const { schedule, monitor, changes } = arrange({ outcomes: { 'http://a': [GOOD], 'http://b': [] } })
  monitor.start()
  schedule.pass(400)
  t.strictSame(changes, ['t=100 http://a up: answered 200', 't=400 http://b down: no answer within 400 ms'])
})

t.test('the status says since when, by the wall clock', async (t) => {
  const { schedule, monitor, pool } = arrange({ outcomes: { 'http://a': [GOOD, GOOD, BAD], 'http://b': [GOOD, GOOD, GOOD] } })
  monitor.start()
  schedule.pass(2 * INTERVAL_MS)
  t.strictSame(pool.status().backends.map(({ since }) => since), ['2030-01-01T00:00:01.600Z', '2030-01-01T00:00:00.100Z'])
})

t.test('a closed gate opens when the first round has ended, with the pool as that round left it', async (t) => {
  const { schedule, monitor, pool, available } = arrange({ outcomes: { 'http://a': [BAD], 'http://b': [] } })
  let seen: string[] = []
  pool.gate.close()
  pool.gate.wait({ gateOpened: () => { seen = [`t=${schedule.nowMs()}`, ...available()] } })
  monitor.start()
  schedule.pass(399)
  t.notOk(pool.gate.isOpen)
  schedule.pass(1)
  t.ok(pool.gate.isOpen)
  t.strictSame(seen, ['t=400'])
})

t.test('a stop lets in whoever waits, and no verdict comes any more', async (t) => {
  const { schedule, monitor, pool, changes } = arrange({ outcomes: { 'http://a': [BAD], 'http://b': [BAD] } })
  let entered = 0
  pool.gate.close()
  pool.gate.wait({ gateOpened: () => { entered++ } })
  monitor.start()
  monitor.stop()
  t.equal(entered, 1)
  t.ok(pool.gate.isOpen)
  t.equal(schedule.pending, 0, 'the probes under way were cancelled')
  schedule.pass(10 * INTERVAL_MS)
  t.strictSame(changes, [])
})

t.test('a probe whose answer asks for draining drains its backend, whatever its status, and says nothing of its health', async (t) => {
  for (const outcome of [DRAINS, { ...DRAINS, good: true }]) {
    const { schedule, monitor, pool, changes, drains, available } = arrange({ outcomes: { 'http://a': [GOOD, outcome, outcome], 'http://b': [GOOD, GOOD, GOOD] } })
    monitor.start()
    schedule.pass(700)
    t.strictSame(available(), ['http://b'])
    t.match(pool.status().backends, [{ state: 'draining', healthy: true, reason: 'it asks to be drained (x-fastlancer-drain)', since: '2030-01-01T00:00:00.600Z' }, { state: 'up' }])
    schedule.pass(INTERVAL_MS)
    t.strictSame(changes, ['t=100 http://a up: answered 200', 't=100 http://b up: answered 200'])
    t.strictSame(drains, ['t=600 http://a draining: it asks to be drained (x-fastlancer-drain)', 't=750 http://a drained: it asks to be drained (x-fastlancer-drain)'])
  }
})

t.test('no fall is counted while a backend asks for draining', async (t) => {
  const { schedule, monitor, pool, changes } = arrange({ fall: 2, outcomes: { 'http://a': [GOOD, BAD, DRAINS, DRAINS, GOOD, BAD], 'http://b': [] } })
  monitor.start()
  schedule.pass(5 * INTERVAL_MS)
  t.match(pool.backends[0], { state: 'up', healthy: true })
  t.strictSame(changes.filter((change) => change.includes('http://a')), ['t=100 http://a up: answered 200'])
})

t.test('the next good probe without that ends it, a bad one does not, and is counted', async (t) => {
  const { schedule, monitor, pool, changes, drains, available } = arrange({ outcomes: { 'http://a': [DRAINS, BAD, GOOD], 'http://b': [GOOD, GOOD, GOOD] } })
  monitor.start()
  schedule.pass(700)
  t.match(pool.backends[0], { state: 'draining', healthy: false, reason: 'answered 503' })
  schedule.pass(INTERVAL_MS)
  t.match(pool.backends[0], { state: 'up', healthy: true, reason: 'answered 200' })
  t.strictSame(available(), ['http://a', 'http://b'])
  t.strictSame(changes.filter((change) => change.includes('http://a')), ['t=600 http://a down: answered 503', 't=1600 http://a up: answered 200'])
  t.equal(drains.at(-1), 't=1600 http://a back: answered 200')
})

t.test('a probe does not end what somebody else has asked for', async (t) => {
  const { schedule, monitor, pool, available } = arrange({ outcomes: { 'http://a': [GOOD, GOOD, GOOD, GOOD], 'http://b': [GOOD, GOOD, GOOD, GOOD] } })
  const [a] = pool.backends
  if (a === undefined) throw new Error('the pool lacks a backend')
  pool.verdicts.drain(a, 'declared by the test', STARTED_MS)
  monitor.start()
  schedule.pass(3 * INTERVAL_MS)
  t.strictSame(available(), ['http://b'])
})

t.test('a backend that asks for draining with its first answer ends the first round like any other', async (t) => {
  const { schedule, monitor, pool } = arrange({ outcomes: { 'http://a': [DRAINS], 'http://b': [GOOD] } })
  pool.gate.close()
  monitor.start()
  schedule.pass(100)
  t.ok(pool.gate.isOpen)
})

t.test('a backend that is down is probed at the interval for that, until it is back', async (t) => {
  const { schedule, monitor, changes } = arrange({ rise: 2, downIntervalMs: 200, outcomes: { 'http://a': [GOOD, BAD, BAD, GOOD, GOOD, GOOD, BAD], 'http://b': [] } })
  monitor.start()
  schedule.pass(3 * INTERVAL_MS)
  t.strictSame(changes.filter((change) => change.includes('http://a')), [
    't=100 http://a up: answered 200', 't=600 http://a down: answered 503', 't=1200 http://a up: answered 200'
  ])
  schedule.pass(INTERVAL_MS)
  t.equal(changes.findLast((change) => change.includes('http://a')), 't=3200 http://a down: answered 503')
})
