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
