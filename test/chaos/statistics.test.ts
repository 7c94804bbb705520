import t from 'tap'
import type { Sample } from '../../chaos/load/sample.ts'
import { type Figures, figuresOf } from '../../chaos/statistics.ts'

/** Begins at 1 s of the clock. */
const TIMELINE = { zeroMs: 1_000, begunMs: 3_000, endedMs: 7_000, stopMs: 11_000 }

const BACKENDS = ['b1', 'b2', 'b3']

/** A sample that was sent `atMs` after the first moment that counts. */
function sample (atMs: number, made: Partial<Sample> = {}): Sample {
  return { begunMs: TIMELINE.zeroMs + atMs, tookMs: 1, backend: 'b1', fault: '', ...made }
}

/** Answers of all backends by turns, one every 10 ms, from one moment to before another. */
function steady (fromMs: number, toMs: number, backends: readonly string[] = BACKENDS, made: Partial<Sample> = {}): Sample[] {
  return Array.from({ length: (toMs - fromMs) / 10 }, (_, index) => sample(fromMs + index * 10, { backend: backends[index % backends.length] ?? '', ...made }))
}

const figures = (...samples: Sample[]): Figures => figuresOf(samples, TIMELINE, ['b2'])

t.test('requests of the warm-up do not count', async (t) => {
  const { requests, errors } = figures(sample(-1, { fault: '502' }), sample(0))
  t.equal(requests, 1)
  t.equal(errors, 0)
})

t.test('errors are counted by kind', async (t) => {
  const { requests, errors, kinds } = figures(sample(0), sample(2_500, { fault: '502' }), sample(2_600, { fault: 'cut' }), sample(9_000, { fault: '502' }))
  t.equal(requests, 4)
  t.equal(errors, 3)
  t.strictSame([...kinds], [['502', 2], ['cut', 1]])
})

t.test('rates are those of good answers, by when they came', async (t) => {
  const { rateBefore, rateDuring } = figures(...steady(0, 10_000), ...steady(2_000, 6_000, BACKENDS, { fault: '502' }))
  t.equal(rateBefore, 100)
  t.equal(rateDuring, 100)
  t.equal(figures(sample(1_000), sample(1_990, { tookMs: 20 })).rateBefore, 0.5)
})

t.test('a request that was under way when the fault began counts for the fault, errors included', async (t) => {
  const { before, during } = figures(sample(0, { tookMs: 3 }), sample(1_999, { tookMs: 500, fault: 'cut' }), sample(6_000, { tookMs: 9_000 }))
  t.strictSame(before, { p99Ms: 3, longestMs: 3 })
  t.strictSame(during, { p99Ms: 500, longestMs: 500 })
})

t.test('the p99 leaves the longest hundredth out', async (t) => {
  const { before } = figures(...Array.from({ length: 101 }, (_, index) => sample(index, { tookMs: index })))
  t.strictSame(before, { p99Ms: 99, longestMs: 100 })
})

t.test('where nothing was asked there is no latency', async (t) => {
  const { before, during } = figures()
  t.equal(before, undefined)
  t.equal(during, undefined)
})

t.test('errors stop with the end of the last one, counted from the begin of the fault', async (t) => {
  t.equal(figures(sample(2_100, { fault: '502' }), sample(2_300, { fault: '502', tookMs: 50 }), sample(5_000)).errorsStopMs, 350)
  t.equal(figures(sample(8_000, { fault: '504', tookMs: 0 })).errorsStopMs, 6_000)
})

t.test('errors before the fault are none of its own', async (t) => {
  const { errors, errorsStopMs } = figures(sample(500, { fault: '502' }))
  t.equal(errors, 1)
  t.equal(errorsStopMs, undefined)
})

t.test('a backend that gets its share again at once was away for no time', async (t) => {
  t.equal(figures(...steady(0, 2_000), ...steady(2_000, 6_000, ['b1', 'b3']), ...steady(6_000, 10_000)).shareBackMs, 0)
})

t.test('the time until a backend has its share again counts from the end of the fault', async (t) => {
  const { shareBackMs } = figures(...steady(0, 2_000), ...steady(2_000, 8_000, ['b1', 'b3']), ...steady(8_000, 10_000))
  // Half of the share is reached when half of the window lies behind the moment of the return.
  t.ok(shareBackMs !== undefined && shareBackMs >= 1_700 && shareBackMs <= 2_000, String(shareBackMs))
})

t.test('a trickle is no share', async (t) => {
  const trickle = ['b2', 'b1', 'b3', 'b1', 'b3', 'b1', 'b3', 'b1', 'b3', 'b1']
  t.equal(figures(...steady(0, 2_000), ...steady(6_000, 10_000, trickle)).shareBackMs, undefined)
})

t.test('a backend that does not come back before the end has no time of return', async (t) => {
  t.equal(figures(...steady(0, 2_000), ...steady(6_000, 10_000, ['b1', 'b3'])).shareBackMs, undefined)
})

t.test('an answer that was waited for since the fault does not make a share', async (t) => {
  const late = steady(5_000, 6_000, ['b2'], { tookMs: 1_200 })
  t.equal(figures(...steady(0, 2_000), ...late, ...steady(6_000, 10_000, ['b1', 'b3'])).shareBackMs, undefined)
})

t.test('wrong answers of a backend are no share of it', async (t) => {
  const wrong = steady(6_000, 10_000, [''], { fault: '500' })
  t.equal(figures(...steady(0, 2_000), ...steady(6_000, 10_000, ['b1', 'b3']), ...wrong).shareBackMs, undefined)
})

t.test('the share of several victims is what they have together', async (t) => {
  const samples = [...steady(0, 2_000), ...steady(6_000, 10_000, ['b2', 'b3'])]
  t.equal(figuresOf(samples, TIMELINE, ['b1', 'b2']).shareBackMs, 0)
  t.equal(figuresOf(samples, TIMELINE, ['b1']).shareBackMs, undefined)
})
