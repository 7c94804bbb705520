import t from 'tap'
import type { Backend } from '../../src/pool/backend.ts'
import { pickUntried } from '../../src/pool/untried.ts'
import { madePool } from './made-pool.ts'

const SIX: readonly Backend[] = madePool(['http://0', 'http://1', 'http://2', 'http://3', 'http://4', 'http://5']).backends

const picked = (backends: readonly Backend[], first: number, tried: readonly Backend[], turns = 60): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (let turn = 0; turn < turns; turn++) {
    const url = pickUntried(backends, first, tried, turn)?.url ?? 'none'
    counts[url] = (counts[url] ?? 0) + 1
  }
  return counts
}

const some = (...slots: readonly number[]): Backend[] => SIX.filter(({ slot }) => slots.includes(slot))

t.test('each of those that are left is picked as often as any other, whoever was tried', async (t) => {
  t.strictSame(picked(SIX, 0, []), { 'http://0': 10, 'http://1': 10, 'http://2': 10, 'http://3': 10, 'http://4': 10, 'http://5': 10 })
  t.strictSame(picked(SIX, 0, some(0, 1, 3)), { 'http://2': 20, 'http://4': 20, 'http://5': 20 })
  t.strictSame(picked(SIX, 0, some(5)), { 'http://0': 12, 'http://1': 12, 'http://2': 12, 'http://3': 12, 'http://4': 12 })
  t.strictSame(picked(SIX, 0, some(0, 1, 2, 3, 4)), { 'http://5': 60 })
})

t.test('where all were tried, or there is nobody, none is left', async (t) => {
  t.strictSame(picked(SIX, 0, SIX), { none: 60 })
  t.strictSame(picked([], 0, []), { none: 60 })
})

t.test('of a part of the list only those that were tried of it are left out', async (t) => {
  const spare = some(3, 4, 5)
  t.strictSame(picked(spare, 3, some(0, 1)), { 'http://3': 20, 'http://4': 20, 'http://5': 20 })
  t.strictSame(picked(spare, 3, some(0, 1, 2, 4)), { 'http://3': 30, 'http://5': 30 })
  t.strictSame(picked(some(0, 1, 2), 0, some(1, 3, 4)), { 'http://0': 30, 'http://2': 30 })
  t.strictSame(picked(spare, 3, some(0, 3, 4, 5)), { none: 60 })
})

t.test('tried ones that are not available any more do not matter', async (t) => {
  const pool = madePool(['http://a', 'http://b', 'http://c'])
  const gone = pool.backends.filter(({ url }) => url === 'http://b')
  for (const backend of gone) pool.verdicts.judge(backend, false, 'down', 0)
  t.strictSame(picked(pool.available, 0, gone), { 'http://a': 30, 'http://c': 30 })
})
