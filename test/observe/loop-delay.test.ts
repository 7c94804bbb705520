import t from 'tap'
import { LoopDelay } from '../../src/observe/loop-delay.ts'

const TICK_MS = 20

/** The mean over firings of the timer so far apart. */
function meanOf (gapsMs: readonly number[]): number {
  const delay = new LoopDelay(TICK_MS, 0)
  let nowMs = 0
  for (const gapMs of gapsMs) delay.tick(nowMs += gapMs)
  return delay.take()
}

t.test('a timer that fires when it should is not late', async (t) => {
  t.equal(meanOf(Array.from({ length: 50 }, () => TICK_MS)), 0)
})

t.test('turns of one length: that is the delay, but for the time of the timer itself', async (t) => {
  t.equal(meanOf([120, 120, 120, 120]), 100)
})

t.test('a turn counts for as long as it lasted', async (t) => {
  // Half of the time nothing waits, in the other half everything waits for 480 ms.
  t.equal(meanOf([...Array.from({ length: 25 }, () => TICK_MS), 500]), 240)
})

t.test('a timer that fires early makes up for nothing', async (t) => {
  t.equal(meanOf([10, 10, 10]), 0)
})

t.test('what was taken is not counted again', async (t) => {
  const delay = new LoopDelay(TICK_MS, 1_000)
  delay.tick(1_320)
  t.equal(delay.spanMs, 320)
  t.equal(delay.take(), 300)
  t.equal(delay.spanMs, 0)
  delay.tick(1_340)
  t.equal(delay.take(), 0)
})

t.test('without a tick there is nothing to tell', async (t) => {
  t.equal(new LoopDelay(TICK_MS, 5).take(), 0)
})
