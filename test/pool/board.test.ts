import t from 'tap'
import { Board } from '../../src/pool/board.ts'

/** The boards of two threads. */
function twoBoards (): [Board, Board] {
  const board = new Board({ capacity: 3 })
  return [board, new Board({ capacity: 3, memory: board.memory })]
}

t.test('a new board has no reasons and an open gate', async (t) => {
  const board = new Board({ capacity: 3 })
  t.strictSame([0, 1, 2].map((slot) => board.reasons(slot)), [0, 0, 0])
  t.ok(board.isGateOpen)
})

t.test('what one thread writes the other reads', async (t) => {
  const [one, other] = twoBoards()
  one.set(1, 0b101)
  other.set(1, 0b010)
  t.strictSame([0, 1, 2].map((slot) => one.reasons(slot)), [0, 0b111, 0])
  other.clear(1, 0b001)
  t.equal(one.reasons(1), 0b110)
  one.isGateOpen = false
  t.notOk(other.isGateOpen)
  other.isGateOpen = true
  t.ok(one.isGateOpen)
})

t.test('the version is another one after each change, and the same after none', async (t) => {
  const [one, other] = twoBoards()
  const seen = [one.version]
  const change = (isNews: boolean): void => {
    t.ok(isNews)
    t.notOk(seen.includes(other.version))
    seen.push(other.version)
  }
  change(one.set(0, 1))
  change(one.set(0, 3))
  change(other.clear(0, 1))
  t.strictSame([one.set(0, 2), one.clear(0, 1), other.clear(1, 2)], [false, false, false])
  t.equal(one.version, seen.at(-1))
  change(one.clear(0, 3))
  t.equal(one.reasons(0), 0)
})

t.test('failures and good answers are counted over both threads, each backend for itself', async (t) => {
  const [one, other] = twoBoards()
  t.strictSame([one.countFailure(1), other.countFailure(1), one.countFailure(2), one.countSuccess(1), other.countSuccess(1)], [1, 2, 1, 1, 2])
  other.forgetFailures(1)
  t.strictSame([one.countFailure(1), one.countSuccess(1), one.countFailure(2)], [1, 3, 2])
  one.forgetCounts(1)
  t.strictSame([other.countFailure(1), other.countSuccess(1), other.countFailure(2)], [1, 1, 3])
})

t.test('counts, ejections and times are no news: nothing has to be worked out anew', async (t) => {
  const [one] = twoBoards()
  const { version } = one
  one.countFailure(0)
  one.countSuccess(0)
  one.forgetCounts(0)
  one.noteEjection(0, 1, 5)
  one.noteAvailable(0, 5)
  t.equal(one.version, version)
  one.announce()
  t.not(one.version, version)
})

t.test('ejections and times of a backend are known to both threads, and do not run into one another', async (t) => {
  const [one, other] = twoBoards()
  const nowMs = Date.UTC(2030, 0, 1)
  for (const slot of [0, 1, 2]) {
    one.noteEjection(slot, slot + 1, nowMs + slot)
    other.noteAvailable(slot, nowMs - slot)
    one.set(slot, 1 << slot)
  }
  t.strictSame([0, 1, 2].map((slot) => [other.ejections(slot), other.ejectedUntilMs(slot) - nowMs, one.availableSinceMs(slot) - nowMs, one.reasons(slot)]), [[1, 0, 0, 1], [2, 1, -1, 2], [3, 2, -2, 4]])
  t.ok(one.isGateOpen)
})

t.test('of a new backend nothing is noted', async (t) => {
  const board = new Board({ capacity: 2 })
  t.strictSame([board.ejections(1), board.ejectedUntilMs(1), board.availableSinceMs(1)], [0, 0, 0])
})
