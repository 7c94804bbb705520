import * as fc from 'fast-check'
import t from 'tap'
import { PriorityHeap } from '../../../src/pool/policies/priority-heap.ts'

const SEED = 20_261_123
const SIZE = 9

/** An item as the heap should see it; those that have not been set are not there. */
interface Item {
  load: number
  turn: number
  isHidden: boolean
}

const change = fc.record({ item: fc.nat(SIZE - 1), kind: fc.constantFrom('set', 'set', 'hide', 'show'), load: fc.nat(4), turn: fc.nat(3) })

/** The first of those that are not hidden, by looking at all. */
function expectedFirst (items: ReadonlyMap<number, Item>): number {
  const shown = [...items].filter(([, { isHidden }]) => !isHidden)
  return shown.toSorted(([a, one], [b, other]) => one.load - other.load || one.turn - other.turn || a - b)[0]?.[0] ?? -1
}

t.test('the first one is that of the smallest load, then turn, then number, after any change', async (t) => {
  fc.assert(fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
    const heap = new PriorityHeap(SIZE)
    const items = new Map<number, Item>()
    for (const { item, kind, load, turn } of changes) {
      const known = items.get(item)
      if (kind === 'set') {
        heap.set(item, load, turn)
        items.set(item, { load, turn, isHidden: known?.isHidden ?? false })
      } else if (known !== undefined) {
        if (kind === 'hide') heap.hide(item)
        else heap.show(item)
        known.isHidden = kind === 'hide'
      }
      if (heap.first() !== expectedFirst(items)) return false
    }
    return true
  }), { seed: SEED, numRuns: 500 })
  t.pass('as if it looked at all')
})

t.test('taken one after the other, items come in their order', async (t) => {
  const loads = [5, 3, 9, 1, 7, 2, 8, 0, 6, 4]
  const heap = new PriorityHeap(loads.length)
  for (const [item, load] of loads.entries()) heap.set(item, load, 0)
  const order = loads.map(() => {
    const first = heap.first()
    heap.hide(first)
    return loads[first]
  })
  t.strictSame(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  t.equal(heap.first(), -1)
})

t.test('one without items has no first', async (t) => {
  t.equal(new PriorityHeap(0).first(), -1)
  t.equal(new PriorityHeap(3).first(), -1)
})
