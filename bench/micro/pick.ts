/** The pick of the pool: constant, whatever its size. */
import type { PickContext } from '../../src/pool/policy.ts'
import { Pool } from '../../src/pool/pool.ts'
import type { Subject } from './harness.ts'

const SIZES = [3, 10_000]
const FIRST: PickContext = { tried: [], keyHash: 0 }

export const pick: readonly Subject[] = SIZES.flatMap((size) => {
  const pool = poolOf(size)
  const [tried] = pool.backends
  const second: PickContext = { ...FIRST, tried: tried === undefined ? [] : [tried] }
  return [
    { name: `pool.pick, ${size} backends`, run: () => pool.pick(FIRST) },
    { name: `pool.pick after one was tried, ${size} backends`, run: () => pool.pick(second) }
  ]
})

function poolOf (size: number): Pool {
  const backends = Array.from({ length: size }, (_, index) => ({ url: `http://10.0.${index >> 8}.${index & 255}:80` }))
  return new Pool({ name: 'main', backends, nowMs: 0, random: Math.random, monotonicMs: () => performance.now() })
}
