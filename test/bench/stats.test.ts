import t from 'tap'
import { median, quantile, ratios, spreadOf } from '../../bench/stats.ts'

t.test('the median of an odd number of values is the middle one, whatever their order', async (t) => {
  t.equal(median([30, 10, 20]), 20)
})

t.test('the median of an even number of values lies between the two in the middle', async (t) => {
  t.equal(median([4, 1, 3, 2]), 2.5)
})

t.test('quantiles are interpolated between neighbours', async (t) => {
  t.equal(quantile([0, 10, 20, 30, 40], 0.25), 10)
  t.equal(quantile([0, 10], 0.25), 2.5)
  t.equal(quantile([7], 0.9), 7)
})

t.test('the quantile of no values is no number', async (t) => {
  t.ok(Number.isNaN(quantile([], 0.5)))
})

t.test('a spread is the median with its quartiles, and one outlier does not move them', async (t) => {
  t.strictSame(spreadOf([1, 2, 3, 4, 1_000]), { median: 3, low: 2, high: 4 })
})

t.test('of no values there is no spread', async (t) => {
  t.equal(spreadOf([]), undefined)
})

t.test('values are not reordered', async (t) => {
  const values = [3, 1, 2]
  spreadOf(values)
  t.strictSame(values, [3, 1, 2])
})

t.test('ratios are taken pair by pair', async (t) => {
  t.strictSame(ratios([2, 9, 4], [1, 3, 8]), [2, 3, 0.5])
})

t.test('a round in which one of the two is missing, or the divisor is 0, has no ratio', async (t) => {
  t.strictSame(ratios([2, undefined, 6, 8], [1, 3, undefined, 0]), [2])
})

t.test('a round that was never played has no ratio', async (t) => {
  t.strictSame(ratios([2, 4], [1]), [2])
})
