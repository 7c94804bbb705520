/** When a slow request gets a second attempt. */
import t from 'tap'
import { seededRandom } from '../kit/seeded-random.ts'
import { Hedging } from '../../src/upstream/hedging.ts'

/** One that knows these latencies. */
function knowing (...latenciesMs: readonly number[]): Hedging {
  const hedging = new Hedging()
  for (const latencyMs of latenciesMs) hedging.note(latencyMs)
  return hedging
}

const times = (count: number, latencyMs: number): number[] => Array.from({ length: count }, () => latencyMs)

/** 1 to 100, in some order. */
function shuffledHundred (): number[] {
  const random = seededRandom(1)
  return Array.from({ length: 100 }, (_, i) => ({ latencyMs: i + 1, turn: random() })).toSorted((a, b) => a.turn - b.turn).map(({ latencyMs }) => latencyMs)
}

t.test('with fewer than 100 latencies known nothing is slow', async (t) => {
  t.equal(new Hedging().delayMs, undefined)
  t.equal(knowing(...times(99, 5)).delayMs, undefined)
  t.equal(knowing(...times(100, 5)).delayMs, 5)
})

t.test('slow is what takes longer than 95 of 100, in whatever order they came', async (t) => {
  t.equal(knowing(...shuffledHundred()).delayMs, 95)
  t.equal(knowing(...times(95, 2), ...times(5, 900)).delayMs, 2)
  t.equal(knowing(...times(94, 2), ...times(6, 900)).delayMs, 900)
})

t.test('it is worked out anew with each hundred', async (t) => {
  const hedging = knowing(...times(100, 1), ...times(99, 50))
  t.equal(hedging.delayMs, 1)
  hedging.note(50)
  t.equal(hedging.delayMs, 50)
})

t.test('only the last thousand count', async (t) => {
  t.equal(knowing(...times(1_000, 800), ...times(900, 10)).delayMs, 800)
  t.equal(knowing(...times(1_000, 800), ...times(1_000, 10)).delayMs, 10)
})
