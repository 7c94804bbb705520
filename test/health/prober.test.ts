import t from 'tap'
import { seededRandom } from '../virtual-schedule.ts'
import { answerNever, answerSoon, arrange, GOOD, INTERVAL_MS, TIMEOUT_MS } from './arranged-prober.ts'

t.test('nothing happens before the start', async (t) => {
  const { schedule, probes } = arrange()
  schedule.pass(5 * INTERVAL_MS)
  t.strictSame(probes, [])
  t.equal(schedule.pending, 0)
})

t.test('at the start every target is probed at once, whether others answer or not', async (t) => {
  const { prober, probes } = arrange({ targets: ['a', 'b', 'c'], onProbe: answerNever })
  prober.start()
  t.strictSame(probes.map(({ target, atMs }) => [target, atMs]), [['a', 0], ['b', 0], ['c', 0]])
})

t.test('a second start changes nothing', async (t) => {
  const { prober, probes, schedule } = arrange()
  prober.start()
  prober.start()
  t.equal(probes.length, 1)
  schedule.pass(0.5 * INTERVAL_MS)
  t.equal(probes.length, 2)
})

t.test('the first round ends once, when the last target has had its first outcome', async (t) => {
  const { schedule, prober, probes, events } = arrange({ targets: ['a', 'b', 'c'], onProbe: answerNever })
  prober.start()
  probes[2]?.done(GOOD)
  schedule.pass(10)
  probes[0]?.done({ good: false, reason: 'answered 500' })
  schedule.pass(10)
  probes[1]?.done(GOOD)
  t.strictSame(events, ['t=0 c good: answered 200', 't=10 a bad: answered 500', 't=20 b good: answered 200', 't=20 first round'])
  schedule.pass(20 * INTERVAL_MS)
  t.equal(events.filter((event) => event.endsWith('first round')).length, 1)
})

t.test('further outcomes of one target do not end the first round for another', async (t) => {
  const { schedule, prober, events } = arrange({
    targets: ['a', 'b'],
    timeoutMs: 5 * INTERVAL_MS,
    onProbe: (probe, virtual) => { if (probe.target === 'a') answerSoon(probe, virtual) }
  })
  prober.start()
  schedule.pass(4 * INTERVAL_MS)
  t.equal(events.length, 5)
  t.notOk(events.some((event) => event.endsWith('first round')))
  schedule.pass(INTERVAL_MS)
  t.match(events.slice(-2), ['t=5000 b bad: no answer within 5000 ms', 't=5000 first round'])
})

t.test('a target that does not answer holds the first round up no longer than the timeout', async (t) => {
  const { schedule, prober, events } = arrange({
    targets: ['a', 'b'],
    onProbe: (probe, virtual) => { if (probe.target === 'a') answerSoon(probe, virtual) }
  })
  prober.start()
  schedule.pass(TIMEOUT_MS)
  t.strictSame(events, ['t=0 a good: answered 200', 't=400 b bad: no answer within 400 ms', 't=400 first round'])
})

t.test('the second probe comes at the phase that was drawn, each later one exactly one interval after the one before', async (t) => {
  const { schedule, prober, timesOf } = arrange({ random: () => 0.5 })
  prober.start()
  schedule.pass(5 * INTERVAL_MS)
  t.strictSame(timesOf('a'), [0, 750, 1_750, 2_750, 3_750, 4_750])
})

t.test('the second probe comes after half an interval at least, and before a whole one', async (t) => {
  for (const [random, secondMs] of [[0, 500], [0.25, 625], [1 - 2 ** -32, 1_000 - 1_000 * 2 ** -33]] as const) {
    const { schedule, prober, timesOf } = arrange({ random: () => random })
    prober.start()
    schedule.pass(INTERVAL_MS)
    t.equal(timesOf('a')[1], secondMs)
    t.ok(secondMs >= INTERVAL_MS / 2 && secondMs < INTERVAL_MS)
  }
})

t.test('a phase is drawn once for each target, and the targets stay apart', async (t) => {
  const draws = [0, 0.5, 0.8]
  const { schedule, prober, timesOf } = arrange({ targets: ['a', 'b', 'c'], random: () => draws.shift() ?? Number.NaN })
  prober.start()
  schedule.pass(3 * INTERVAL_MS)
  t.strictSame([timesOf('a'), timesOf('b'), timesOf('c')], [[0, 500, 1_500, 2_500], [0, 750, 1_750, 2_750], [0, 900, 1_900, 2_900]])
  t.equal(schedule.drawn, 3)
})

t.test('the interval runs from the beginning of a probe, however long it takes', async (t) => {
  let latencyMs = 0
  const { schedule, prober, timesOf } = arrange({
    onProbe: ({ done }, virtual) => { virtual.after(latencyMs += 100, () => done(GOOD)) }
  })
  prober.start()
  schedule.pass(2_600)
  t.strictSame(timesOf('a'), [0, 500, 1_500, 2_500])
})

t.test('a probe without an answer is cancelled at the timeout and counts as bad', async (t) => {
  const { schedule, prober, probes, events } = arrange({ onProbe: answerNever })
  prober.start()
  schedule.pass(TIMEOUT_MS - 1)
  t.strictSame([events, probes[0]?.isCancelled], [[], false])
  schedule.pass(1)
  t.strictSame([events[0], probes[0]?.isCancelled], ['t=400 a bad: no answer within 400 ms', true])
})

t.test('an answer that comes after the timeout counts no more', async (t) => {
  const { schedule, prober, probes, events } = arrange({ onProbe: answerNever })
  prober.start()
  schedule.pass(TIMEOUT_MS)
  const before = events.length
  probes[0]?.done(GOOD)
  t.equal(events.length, before)
})

t.test('after an answer there is no timeout, nor a second outcome', async (t) => {
  const { schedule, prober, probes, events } = arrange({ onProbe: answerNever })
  prober.start()
  probes[0]?.done(GOOD)
  probes[0]?.done({ good: false, reason: 'too late' })
  t.equal(schedule.pending, 1, 'only the next probe is to come')
  schedule.pass(INTERVAL_MS / 2 - 1)
  t.strictSame(events, ['t=0 a good: answered 200', 't=0 first round'])
  t.notOk(probes[0]?.isCancelled)
})

t.test('a probe that outlasts the interval is not overtaken: the next one begins when it is over', async (t) => {
  const { schedule, prober, probes, timesOf } = arrange({ timeoutMs: 2.5 * INTERVAL_MS, onProbe: answerNever })
  prober.start()
  schedule.pass(2.5 * INTERVAL_MS - 1)
  t.equal(probes.length, 1)
  schedule.pass(3 * INTERVAL_MS)
  t.strictSame(timesOf('a'), [0, 2_500, 5_000])
})

t.test('of one target there is never more than one probe under way, whatever the answers take', async (t) => {
  const random = seededRandom(4_711)
  const targets = ['a', 'b', 'c']
  const underWay = new Map<string, number>()
  const change = (target: string, by: number): void => { underWay.set(target, (underWay.get(target) ?? 0) + by) }
  let most = 0
  const { schedule, prober, probes } = arrange({
    targets,
    random,
    timeoutMs: 3 * INTERVAL_MS,
    onProbe: ({ target, done }, virtual) => {
      change(target, 1)
      most = Math.max(most, underWay.get(target) ?? 0)
      virtual.after(random() * 2.9 * INTERVAL_MS, () => {
        change(target, -1)
        done(GOOD)
      })
    }
  })
  prober.start()
  schedule.pass(200 * INTERVAL_MS)
  t.equal(most, 1)
  t.ok(probes.length > 3 * 100, `${probes.length} probes were sent`)
})

t.test('a stop cancels the probes under way and the timers, and silences what still comes', async (t) => {
  const { schedule, prober, probes, events } = arrange({ targets: ['a', 'b'], onProbe: answerNever })
  prober.start()
  probes[0]?.done(GOOD)
  prober.stop()
  t.strictSame(probes.map(({ isCancelled }) => isCancelled), [false, true])
  t.equal(schedule.pending, 0)
  probes[1]?.done(GOOD)
  schedule.pass(10 * INTERVAL_MS)
  t.equal(probes.length, 2)
  t.strictSame(events, ['t=0 a good: answered 200'])
})

t.test('a stop from within an outcome is obeyed', async (t) => {
  const { schedule, prober, probes, events } = arrange({ targets: ['a', 'b'], onOutcome: (running) => running.stop() })
  prober.start()
  schedule.pass(10 * INTERVAL_MS)
  t.equal(probes.length, 2)
  t.strictSame(events, ['t=0 a good: answered 200'])
  t.equal(schedule.pending, 0)
})

t.test('a stop before the start does no harm', async (t) => {
  const { prober, probes } = arrange()
  prober.stop()
  prober.start()
  t.equal(probes.length, 1)
})

t.test('after a stop it can be started again, and no answer from before counts any more', async (t) => {
  const { schedule, prober, probes, events } = arrange({ onProbe: answerNever })
  prober.start()
  prober.stop()
  schedule.pass(INTERVAL_MS)
  prober.start()
  t.strictSame(probes.map(({ atMs }) => atMs), [0, INTERVAL_MS])
  probes[0]?.done(GOOD)
  t.strictSame(events, [])
  probes[1]?.done(GOOD)
  t.strictSame(events, ['t=1000 a good: answered 200', 't=1000 first round'])
})

t.test('a probe that ends within its own call is scheduled like any other', async (t) => {
  const { schedule, prober, probes, events, timesOf } = arrange({ targets: ['a', 'b'], onProbe: ({ done }) => done(GOOD) })
  prober.start()
  t.strictSame(events, ['t=0 a good: answered 200', 't=0 b good: answered 200', 't=0 first round'])
  t.equal(schedule.pending, 2, 'only the next probes are to come')
  schedule.pass(2 * INTERVAL_MS)
  t.strictSame([timesOf('a'), timesOf('b')], [[0, 500, 1_500], [0, 500, 1_500]])
  t.notOk(probes.some(({ isCancelled }) => isCancelled))
  prober.stop()
  t.equal(schedule.pending, 0)
})

t.test('a probe that cannot even be sent is a bad outcome, and is tried again', async (t) => {
  const { schedule, prober, events, timesOf } = arrange({ targets: ['a', 'b'], onProbe: () => { throw new Error('no such name') } })
  prober.start()
  t.strictSame(events, ['t=0 a bad: cannot be probed: no such name', 't=0 b bad: cannot be probed: no such name', 't=0 first round'])
  schedule.pass(2 * INTERVAL_MS)
  t.strictSame(timesOf('b'), [0, 500, 1_500])
  t.equal(schedule.pending, 2, 'only the next probes are to come')
})

t.test('the deadline may come within the call of the probe', async (t) => {
  const { prober, events } = arrange({ onProbe: (_probe, virtual) => virtual.pass(TIMEOUT_MS) })
  prober.start()
  t.strictSame(events, ['t=400 a bad: no answer within 400 ms', 't=400 first round'])
})

t.test('what goes wrong with an outcome is not blamed on the probe', async (t) => {
  const { prober, events } = arrange({ onProbe: ({ done }) => done(GOOD), onOutcome: () => { throw new Error('a defect') } })
  t.throws(() => prober.start(), { message: 'a defect' })
  t.strictSame(events, ['t=0 a good: answered 200'])
})
