import * as fc from 'fast-check'
import t from 'tap'
import { pickUntried } from '../../src/pool/untried.ts'
import { madePool } from './made-pool.ts'

const SEED = 20_261_123
const SIZE = 10

t.test('of those that were not tried each has its turn once in a round, wherever the list begins', async (t) => {
  const backends = madePool(Array.from({ length: SIZE }, (_, i) => `http://b${i}`)).backends
  const cases = fc.tuple(fc.nat(SIZE - 1), fc.nat(SIZE), fc.subarray([...backends.keys()]), fc.nat(2 ** 32 - 1 - SIZE))
  fc.assert(fc.property(cases, ([first, count, triedSlots, turn]) => {
    const list = backends.slice(first, first + count)
    const tried = backends.filter(({ slot }) => triedSlots.includes(slot))
    const left = list.filter((backend) => !tried.includes(backend))
    const picked = new Set(left.map((_, i) => pickUntried(list, first, tried, turn + i)))
    return left.every((backend) => picked.has(backend)) && (left.length > 0 || pickUntried(list, first, tried, turn) === undefined)
  }), { seed: SEED, numRuns: 1000 })
  t.pass('as likely as any other')
})
