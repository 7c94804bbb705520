import t from 'tap'
import { Board } from '../../src/pool/board.ts'
import { Gate, type GateWaiter } from '../../src/pool/gate.ts'

/** Waiters that note their name when they are let in. */
function waiters (...names: string[]): { entered: string[], waiter: (name: string) => GateWaiter } {
  const entered: string[] = []
  const all = new Map<string, GateWaiter>(names.map((name) => [name, { gateOpened: () => { entered.push(name) } }]))
  return {
    entered,
    waiter: (name) => {
      const found = all.get(name)
      if (found === undefined) throw new Error(`no waiter ${name}`)
      return found
    }
  }
}

t.test('a gate is open until it is closed, and open again when it is opened', async (t) => {
  const gate = new Gate()
  t.ok(gate.isOpen)
  gate.close()
  t.notOk(gate.isOpen)
  gate.open()
  t.ok(gate.isOpen)
})

t.test('whoever waits is let in when the gate opens, in the order of arrival', async (t) => {
  const { entered, waiter } = waiters('a', 'b', 'c')
  const gate = new Gate()
  gate.close()
  for (const name of ['c', 'a', 'b']) gate.wait(waiter(name))
  t.strictSame(entered, [])
  gate.open()
  t.strictSame(entered, ['c', 'a', 'b'])
})

t.test('the gate is open by the time the first waiter is let in', async (t) => {
  const gate = new Gate()
  const seen: boolean[] = []
  gate.close()
  gate.wait({ gateOpened: () => { seen.push(gate.isOpen) } })
  gate.open()
  t.strictSame(seen, [true])
})

t.test('a waiter is let in once, however often the gate opens', async (t) => {
  const { entered, waiter } = waiters('a')
  const gate = new Gate()
  gate.close()
  gate.wait(waiter('a'))
  gate.wait(waiter('a'))
  gate.open()
  gate.close()
  gate.open()
  t.strictSame(entered, ['a'])
})

t.test('a waiter that has left is not let in', async (t) => {
  const { entered, waiter } = waiters('a', 'b', 'c')
  const gate = new Gate()
  gate.close()
  for (const name of ['a', 'b', 'c']) gate.wait(waiter(name))
  gate.leave(waiter('b'))
  gate.open()
  t.strictSame(entered, ['a', 'c'])
})

t.test('leaving without having waited changes nothing', async (t) => {
  const { entered, waiter } = waiters('a', 'b')
  const gate = new Gate()
  gate.close()
  gate.wait(waiter('a'))
  gate.leave(waiter('b'))
  gate.open()
  t.strictSame(entered, ['a'])
})

t.test('a waiter that waits again when it is let in waits for the next opening', async (t) => {
  const gate = new Gate()
  let times = 0
  const waiter: GateWaiter = {
    gateOpened: () => {
      times++
      gate.wait(waiter)
    }
  }
  gate.close()
  gate.wait(waiter)
  gate.open()
  t.equal(times, 1)
  gate.open()
  t.equal(times, 2)
})

t.test('a gate holds for all threads that share its board; each lets in those that wait with it', async (t) => {
  const { entered, waiter } = waiters('here', 'there')
  const board = new Board({ capacity: 1 })
  const [here, there] = [new Gate(board), new Gate(new Board({ capacity: 1, memory: board.memory }))]
  here.close()
  t.notOk(there.isOpen)
  here.wait(waiter('here'))
  there.wait(waiter('there'))
  there.letIn()
  t.strictSame(entered, [], 'it is closed')
  here.open()
  t.ok(there.isOpen)
  t.strictSame(entered, ['here'])
  there.letIn()
  t.strictSame(entered, ['here', 'there'])
})
