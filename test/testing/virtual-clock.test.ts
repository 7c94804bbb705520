import * as fc from 'fast-check'
import t from 'tap'
import { EPOCH_MS, VirtualClock } from '../../src/testing/virtual-clock.ts'

t.test('what is planned happens in the order of its time, and of the same time in the order in which it was planned', async (t) => {
  const story = fc.array(fc.nat(20), { maxLength: 200 })
  await fc.assert(fc.asyncProperty(story, async (delaysMs) => {
    const clock = new VirtualClock()
    const happened: Array<readonly [atMs: number, number: number]> = []
    for (const [number, delayMs] of delaysMs.entries()) clock.later(delayMs, () => { happened.push([clock.nowMs(), number]) })
    await clock.run(20)
    const expected = delaysMs.map((delayMs, number) => [delayMs, number] as const).toSorted(([a, first], [b, second]) => a - b || first - second)
    return JSON.stringify(happened) === JSON.stringify(expected)
  }), { seed: 1, numRuns: 100 })
  t.pass('each of 100 stories')
})

t.test('it says what time it is, and stands where it was told to stop', async (t) => {
  const clock = new VirtualClock()
  const times: number[] = []
  clock.later(3.5, () => { times.push(clock.nowMs(), clock.wallClockMs()) })
  clock.later(11, () => { times.push(clock.nowMs()) })
  await clock.run(10)
  t.strictSame(times, [3.5, EPOCH_MS + 3.5])
  t.equal(clock.nowMs(), 10)
  await clock.pass(1)
  t.equal(times.at(-1), 11)
})

t.test('what is called off does not happen', async (t) => {
  const clock = new VirtualClock()
  let count = 0
  const cancels = [1, 2, 3].map((ms) => clock.after(ms, () => { count += ms }))
  cancels[0]?.()
  cancels[2]?.()
  await clock.run(5)
  cancels[1]?.()
  t.equal(count, 2)
})

t.test('what lies in the past happens at once', async (t) => {
  const clock = new VirtualClock()
  const times: number[] = []
  await clock.run(10)
  clock.at(3, () => { times.push(clock.nowMs()) })
  clock.later(-5, () => { times.push(clock.nowMs()) })
  await clock.run(10)
  t.strictSame(times, [10, 10])
})

t.test('microtasks have their turn before the next event', async (t) => {
  const clock = new VirtualClock()
  const told: string[] = []
  clock.later(1, () => {
    queueMicrotask(() => { told.push(`microtask at ${clock.nowMs()}`) })
    told.push('first')
  })
  clock.later(2, () => { told.push('second') })
  await clock.run(2)
  t.strictSame(told, ['first', 'microtask at 1', 'second'])
})

t.test('something happens again and again until it is ended', async (t) => {
  const clock = new VirtualClock()
  const times: number[] = []
  const end = clock.every(10, () => { times.push(clock.nowMs()) }, 3)
  await clock.run(25)
  end()
  await clock.run(100)
  t.strictSame(times, [3, 13, 23])
})

t.test('it stops when what was waited for has happened', async (t) => {
  const clock = new VirtualClock()
  let count = 0
  clock.every(1, () => { count++ })
  await clock.run(100, () => count < 7)
  t.equal(clock.nowMs(), 7)
})

t.test('what an event throws is the end of the run', async (t) => {
  const clock = new VirtualClock()
  clock.later(1, () => { throw new Error('as planned') })
  await t.rejects(clock.run(2), { message: 'as planned' })
})
