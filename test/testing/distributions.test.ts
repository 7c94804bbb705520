import t from 'tap'
import { constant, type Distribution, exponential, lognormal, sometimes } from '../../src/testing/distributions.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { Samples } from '../../src/testing/samples.ts'

function drawn (distribution: Distribution): Samples {
  const random = seededRandom(3)
  const samples = new Samples()
  for (let i = 0; i < 200_000; i++) samples.add(distribution(random))
  return samples
}

/** Whether a number is what it should be, within a hundredth. */
const isAbout = (value: number, expected: number): boolean => Math.abs(value / expected - 1) < 0.01

t.test('a constant is constant', async (t) => {
  const samples = drawn(constant(20))
  t.strictSame([samples.quantile(0), samples.mean, samples.quantile(1)], [20, 20, 20])
})

t.test('an exponential one has its mean, and a median that is ln 2 of it', async (t) => {
  const samples = drawn(exponential({ meanMs: 20 }))
  t.ok(isAbout(samples.mean, 20), String(samples.mean))
  t.ok(isAbout(samples.quantile(0.5), 20 * Math.LN2), String(samples.quantile(0.5)))
})

t.test('a lognormal one has its mean, and quantiles where sigma puts them', async (t) => {
  for (const sigma of [0.5, 1]) {
    const samples = drawn(lognormal({ meanMs: 20, sigma }))
    t.ok(isAbout(samples.mean, 20), String(samples.mean))
    const [median, p84] = [samples.quantile(0.5), samples.quantile(0.841_345)]
    t.ok(isAbout(p84 / median, Math.exp(sigma)), String(p84 / median))
  }
})

t.test('one in so many is another', async (t) => {
  const samples = drawn(sometimes(0.02, constant(500), constant(10)))
  t.ok(isAbout(samples.mean, 0.02 * 500 + 0.98 * 10), String(samples.mean))
  t.strictSame([samples.quantile(0.97), samples.quantile(0.99)], [10, 500])
})

t.test('quantiles of samples are samples, also after more have come', async (t) => {
  const samples = new Samples()
  t.ok(Number.isNaN(samples.quantile(0.5)))
  for (let i = 5_000; i > 0; i--) samples.add(i)
  t.strictSame([0, 0.5, 0.99, 1].map((share) => samples.quantile(share)), [1, 2_500, 4_950, 5_000])
  samples.add(0)
  t.equal(samples.quantile(0), 0)
  t.equal(samples.count, 5_001)
})
