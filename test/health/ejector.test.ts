import t from 'tap'
import { Board } from '../../src/pool/board.ts'
import { RESULT_UNKNOWN } from '../../src/pool/policy.ts'
import { NOTE_TRIAL, REASON_EJECTED, REASON_FULL } from '../../src/pool/slots.ts'
import { madePool } from '../pool/made-pool.ts'
import { STARTED_MS, TwoThreads } from './two-threads.ts'

t.test('an ejected backend is out in both threads, and is picked again on trial when its time is over', async (t) => {
  const threads = new TwoThreads()
  const { one, other } = threads
  t.ok(other.ejector.eject(other.backend(1), 'too bad'))
  t.strictSame(threads.states(), ['', 'ejected', '', ''])
  t.strictSame(one.pool.available.map(({ slot }) => slot), [0, 2, 3])
  threads.pass(999)
  t.equal(threads.state(1), 'ejected')
  threads.pass(1)
  t.equal(threads.state(1), 'on trial')
  t.strictSame(other.pool.available.map(({ slot }) => slot), [0, 1, 2, 3])
  t.ok(one.ejector.restore(one.backend(1), 'good again'))
  t.equal(threads.state(1), '')
  t.strictSame(threads.events, ['1 ejected', '1 on trial', '1 restored'])
  t.strictSame(threads.reasons, ['too bad; out for 1000 ms', 'its time is over', 'good again'])
})

t.test('of two threads that find it out at once one ejects, and one restores', async (t) => {
  const threads = new TwoThreads()
  const { one, other } = threads
  t.strictSame([one.ejector.eject(one.backend(0), 'bad'), other.ejector.eject(other.backend(0), 'bad')], [true, false])
  threads.pass(1_000)
  t.strictSame([one.ejector.restore(one.backend(0), 'good'), other.ejector.restore(other.backend(0), 'good')], [true, false])
  t.strictSame(threads.events, ['0 ejected', '0 on trial', '0 restored'])
})

t.test('a backend that is not on trial is not restored', async (t) => {
  const threads = new TwoThreads()
  const { one } = threads
  t.notOk(one.ejector.restore(one.backend(0), 'good'))
  one.ejector.eject(one.backend(0), 'bad')
  t.notOk(one.ejector.restore(one.backend(0), 'good'))
  t.equal(threads.state(0), 'ejected')
})

t.test('one that fails on trial is out again, and not on trial any more', async (t) => {
  const threads = new TwoThreads()
  const { one, other } = threads
  one.ejector.eject(one.backend(0), 'bad')
  threads.pass(1_000)
  t.ok(other.ejector.eject(other.backend(0), 'bad on trial'))
  t.equal(threads.state(0), 'ejected')
})

t.test('each ejection lasts twice as long as the one before, up to the bound', async (t) => {
  const threads = new TwoThreads()
  const { one } = threads
  for (const lastsMs of [1_000, 2_000, 4_000, 5_000, 5_000]) {
    t.ok(one.ejector.eject(one.backend(0), 'bad'))
    t.equal(one.board.ejectedUntilMs(0), threads.nowMs + lastsMs)
    t.equal(threads.reasons.at(-1), `bad; out for ${lastsMs} ms`)
    threads.pass(lastsMs - 1)
    t.equal(threads.state(0), 'ejected')
    threads.pass(1)
    t.equal(threads.state(0), 'on trial')
  }
})

t.test('after as long a peace as it was out the first length holds again, and not before', async (t) => {
  for (const [peaceMs, lastsMs] of [[1_999, 4_000], [2_000, 1_000]] as const) {
    const threads = new TwoThreads()
    const { one } = threads
    for (const forMs of [1_000, 2_000]) {
      one.ejector.eject(one.backend(0), 'bad')
      threads.pass(forMs)
    }
    one.ejector.restore(one.backend(0), 'good')
    threads.nowMs += peaceMs
    one.ejector.eject(one.backend(0), 'bad again')
    t.equal(threads.reasons.at(-1), `bad again; out for ${lastsMs} ms`)
  }
})

t.test('the last one that serves is not ejected, unless all may be', async (t) => {
  for (const [maxRatio, isEjected] of [[0.9, false], [1, true]] as const) {
    const threads = new TwoThreads({ backends: 3, ejection: { maxRatio } })
    const { one, other } = threads
    const [a, b, c] = [one.backend(0), one.backend(1), one.backend(2)]
    one.pool.verdicts.judge(b, false, 'answered 500', STARTED_MS)
    one.pool.verdicts.drain(c, 'for an update', STARTED_MS)
    t.equal(other.ejector.eject(other.backend(0), 'bad'), isEjected)
    t.equal(threads.state(0), isEjected ? 'ejected' : '')
    if (isEjected) continue
    one.pool.board.set(c.slot, REASON_FULL)
    one.pool.verdicts.undrain(c, 'done', STARTED_MS)
    t.ok(one.ejector.eject(a, 'bad'), 'one that is full serves')
  }
})

t.test('never more than the share of the pool is out; there is room again when one is back on trial', async (t) => {
  const threads = new TwoThreads({ backends: 5 })
  const { one, other } = threads
  const eject = (slot: number): boolean => other.ejector.eject(other.backend(slot), 'bad')
  t.strictSame([0, 1, 2].map(eject), [true, true, false])
  t.strictSame(threads.states(), ['ejected', 'ejected', '', '', ''])
  threads.pass(1_000)
  t.ok(one.ejector.eject(one.backend(2), 'bad'))
})

t.test('a share that comes to a whole number of backends is that many, whatever multiplying it would round to', async (t) => {
  for (const [ratio, count, most] of [[0.29, 100, 29], [0.07, 100, 7], [0.5, 1, 0], [1, 3, 3], [0, 3, 0]] as const) {
    const { one } = new TwoThreads({ backends: count, ejection: { maxRatio: ratio } })
    t.equal(one.pool.backends.filter((backend) => one.ejector.eject(backend, 'bad')).length, most, `${ratio} of ${count}`)
  }
})

t.test('one that comes back has been available since then', async (t) => {
  const threads = new TwoThreads()
  const { one } = threads
  one.ejector.eject(one.backend(0), 'bad')
  threads.pass(1_000)
  one.ejector.restore(one.backend(0), 'good')
  t.equal(one.board.availableSinceMs(0), STARTED_MS + 1_000)
})

t.test('what was counted before an ejection does not count after it', async (t) => {
  const threads = new TwoThreads()
  const { one, other } = threads
  one.board.countFailure(0)
  one.ejector.eject(one.backend(0), 'bad')
  t.equal(one.board.countFailure(0), 1)
  other.board.countSuccess(0)
  threads.pass(1_000)
  t.equal(one.board.countSuccess(0), 1)
  t.equal(other.board.countFailure(0), 1)
  one.ejector.restore(one.backend(0), 'good')
  t.equal(other.board.countFailure(0), 1)
})

t.test('an ejection that was broken off, with its thread, ends all the same', async (t) => {
  const threads = new TwoThreads()
  const { other } = threads
  other.board.set(0, REASON_EJECTED)
  threads.pass(0)
  t.equal(threads.state(0), 'ejected')
  threads.pass(1_000)
  t.equal(threads.state(0), 'on trial')
})

t.test('an ejection that is just being made is not taken for the one before it, which is over', async (t) => {
  let isAskedInTheMiddle = false
  const threads = new TwoThreads({
    onClock: () => {
      if (!isAskedInTheMiddle) return
      isAskedInTheMiddle = false
      threads.one.ejector.endThoseOver()
    }
  })
  const { one, other } = threads
  other.ejector.eject(other.backend(0), 'bad')
  threads.pass(1_000)
  one.ejector.restore(one.backend(0), 'good')
  threads.pass(60_000)
  isAskedInTheMiddle = true
  t.ok(other.ejector.eject(other.backend(0), 'bad again'))
  t.equal(threads.state(0), 'ejected')
  t.strictSame(threads.events.slice(3), ['0 ejected'])
  threads.pass(60_000)
  t.equal(threads.state(0), 'on trial')
})

t.test('a clock that was set back does not keep a backend out for longer than that ejection is', async (t) => {
  const threads = new TwoThreads({ ejection: { maxMs: 7_200_000 } })
  const { one } = threads
  one.ejector.eject(one.backend(0), 'bad')
  threads.pass(-3_600_000)
  t.equal(threads.state(0), 'ejected')
  threads.pass(1_000)
  t.equal(threads.state(0), 'on trial')
})

t.test('a first length above the longest one is cut to that, for ejections that were broken off too', async (t) => {
  const threads = new TwoThreads({ ejection: { baseMs: 9_000, maxMs: 2_000 } })
  const { one, other } = threads
  one.ejector.eject(one.backend(0), 'bad')
  other.board.set(1, REASON_EJECTED)
  threads.pass(0)
  threads.pass(2_000)
  t.strictSame(threads.states(), ['on trial', 'on trial', '', ''])
})

t.test('a trial ends nothing but itself', async (t) => {
  const threads = new TwoThreads()
  const { one } = threads
  one.board.set(0, NOTE_TRIAL | 1)
  one.ejector.restore(one.backend(0), 'good')
  t.equal(one.board.reasons(0), 1)
})

t.test('on trial what was in flight before takes no place, and what takes a place for ten seconds none any more', async (t) => {
  const threads = new TwoThreads()
  const { one, other } = threads
  const [mine, theirs] = [one.backend(0), other.backend(0)]
  for (let i = 0; i < 3; i++) other.pool.begin(theirs)
  one.ejector.eject(mine, 'bad')
  threads.pass(1_000)
  t.strictSame([one.pool.begin(mine), other.pool.begin(theirs), mine.inFlight], [true, false, 4])
  other.pool.ended(theirs, NaN, RESULT_UNKNOWN)
  other.pool.ended(theirs, NaN, RESULT_UNKNOWN)
  threads.pass(100)
  t.equal(one.board.aside(0), 2, 'at most: one of these may be new')
  t.ok(one.pool.begin(mine))
  threads.pass(9_900)
  t.notOk(one.pool.begin(mine))
  threads.pass(200)
  t.strictSame([one.pool.begin(mine), other.pool.begin(theirs)], [true, false])
})

t.test('a backend on trial has never more in flight than it may have without one', async (t) => {
  const board = new Board({ capacity: 1 })
  const pool = madePool([], { backends: [{ url: 'http://a', maxInFlight: 2 }], board, trialInFlight: 5 })
  board.set(0, NOTE_TRIAL)
  t.equal(pool.available[0]?.limit, 2)
})
