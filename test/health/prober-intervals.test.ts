/** How long it is from one probe to the next: while a target is down, and with jitter. */
import t from 'tap'
import { Prober } from '../../src/health/prober.ts'
import { seededRandom, VirtualSchedule } from '../virtual-schedule.ts'
import { arrange, GOOD, INTERVAL_MS } from './arranged-prober.ts'

t.test('a target that is down is probed at an interval of its own, the others as before', async (t) => {
  const down = new Set(['a'])
  const { schedule, prober, timesOf } = arrange({ targets: ['a', 'b'], downIntervalMs: 200, isDown: (target) => down.has(target) })
  prober.start()
  schedule.pass(INTERVAL_MS)
  t.strictSame([timesOf('a'), timesOf('b')], [[0, 100, 300, 500, 700, 900], [0, 500]])
  down.delete('a')
  schedule.pass(2 * INTERVAL_MS)
  t.strictSame(timesOf('a').slice(6), [1_100, 2_100], 'the probe that is set comes, and those after it at the usual interval')
})

t.test('whether it is down is asked when the outcome has been told, so that the interval follows from it', async (t) => {
  let isDown = false
  const { schedule, prober, timesOf } = arrange({ downIntervalMs: 200, isDown: () => isDown, onOutcome: () => { isDown = true } })
  prober.start()
  schedule.pass(400)
  t.strictSame(timesOf('a'), [0, 100, 300])
})

t.test('a down interval of 0 is none of its own', async (t) => {
  const { schedule, prober, timesOf } = arrange({ downIntervalMs: 0, isDown: () => true })
  prober.start()
  schedule.pass(2 * INTERVAL_MS)
  t.strictSame(timesOf('a'), [0, 500, 1_500])
})

t.test('with jitter each interval is drawn anew, from as much below as above', async (t) => {
  const draws = [0.5, 0, 0.5, 1 - 2 ** -32]
  const { schedule, prober, timesOf } = arrange({ jitterRatio: 0.2, random: () => draws.shift() ?? 0.5 })
  prober.start()
  schedule.pass(5_000)
  t.strictSame(timesOf('a').map(Math.round), [0, 750, 1_550, 2_550, 3_750, 4_750])
})

t.test('with all the jitter there is an interval is anything from nothing to twice as much, and half of them are longer', async (t) => {
  const { schedule, prober, timesOf } = arrange({ jitterRatio: 1, random: seededRandom(42) })
  prober.start()
  schedule.pass(2_000 * INTERVAL_MS)
  const times = timesOf('a').slice(1)
  const intervals = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))
  t.ok(intervals.every((ms) => ms >= 0 && ms <= 2 * INTERVAL_MS))
  t.ok(Math.min(...intervals) < 0.05 * INTERVAL_MS && Math.max(...intervals) > 1.95 * INTERVAL_MS)
  const longer = intervals.filter((ms) => ms > INTERVAL_MS).length / intervals.length
  t.ok(Math.abs(longer - 0.5) < 0.05, `${longer} of them are longer`)
})

t.test('the jitter is also that of the interval while down', async (t) => {
  const draws = [0, 0, 1 - 2 ** -32]
  const { schedule, prober, timesOf } = arrange({ jitterRatio: 0.5, downIntervalMs: 200, isDown: () => true, random: () => draws.shift() ?? 0.5 })
  prober.start()
  schedule.pass(700)
  t.strictSame(timesOf('a').map(Math.round), [0, 100, 200, 500, 700])
})

t.test('without jitter nothing is drawn but the phase', async (t) => {
  const { schedule, prober } = arrange({ random: () => 0.3 })
  prober.start()
  schedule.pass(10 * INTERVAL_MS)
  t.equal(schedule.drawn, 1)
})

t.test('no delay is longer than a timer can hold', async (t) => {
  const delays: number[] = []
  const schedule = new VirtualSchedule(() => 1 - 2 ** -32)
  const after = schedule.after.bind(schedule)
  schedule.after = (delayMs, callback) => {
    delays.push(delayMs)
    return after(delayMs, callback)
  }
  const LONGEST_MS = 2 ** 31 - 1
  const prober = new Prober<string>({
    targets: ['a'], intervalMs: LONGEST_MS, timeoutMs: 1, jitterRatio: 1, schedule, onOutcome: () => {}, onFirstRound: () => {},
    probe: (_target, done) => {
      done(GOOD)
      return () => {}
    }
  })
  prober.start()
  schedule.pass(2 * LONGEST_MS)
  t.ok(delays.filter((ms) => ms === LONGEST_MS).length > 0)
  t.ok(delays.every((ms) => ms <= LONGEST_MS))
})

t.test('whoever is told of an outcome may stop it and start it again: there is one probe under way, not two', async (t) => {
  let isFirst = true
  const { schedule, prober, probes, timesOf } = arrange({
    onOutcome: (running) => {
      if (!isFirst) return
      isFirst = false
      running.stop()
      running.start()
    }
  })
  prober.start()
  schedule.pass(2 * INTERVAL_MS)
  t.strictSame(timesOf('a'), [0, 0, 500, 1_500])
  t.equal(schedule.pending, 1)
  t.equal(probes.length, 4)
})

t.test('an outcome that its hearer cannot take does not end the probes', async (t) => {
  const { schedule, prober, timesOf } = arrange({ onOutcome: () => { throw new Error('a defect') } })
  prober.start()
  for (const ms of [0, 500, 1_000]) t.throws(() => schedule.pass(ms), { message: 'a defect' })
  t.strictSame(timesOf('a'), [0, 500, 1_500])
})
