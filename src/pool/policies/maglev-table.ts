/**
 * Maglev's table: for each of a prime number of entries the member that it belongs to. Every member has nearly the same number of
 * entries (times its weight), and when members come or go few entries change hands. Eisenbud et al., "Maglev: a fast and reliable
 * software network load balancer" (NSDI 2016), section 3.4; weights as in Envoy: in each round everybody takes a turn as often as
 * its weight has it beside the largest.
 *
 * A member's preferences come of its name alone, so that all gateways with the same members have the same table.
 */
import { hashText } from '../hash.ts'

export interface Member {
  readonly url: string
  readonly weight: number
}

/** Primes. The paper: a table of 100 entries a member keeps shares within 1% of each other. */
const SIZES = [65_537, 655_373, 6_553_577]
const ENTRIES_EACH = 100

const FREE = -1

/** Seeds of the two hashes that a member's preferences come of. */
const OFFSET_SEED = 0x6f66
const SKIP_SEED = 0x736b

/** For each entry the index of the member that it belongs to; empty if there is none. */
export function maglevTable (members: readonly Member[]): Int32Array<ArrayBuffer> {
  if (members.length === 0) return new Int32Array(0)
  const size = SIZES.find((prime) => prime >= ENTRIES_EACH * members.length) ?? SIZES.at(-1) ?? 1
  const table = new Int32Array(size).fill(FREE)
  const next = Float64Array.from(members, ({ url }) => hashText(url, OFFSET_SEED) % size)
  const skips = Float64Array.from(members, ({ url }) => hashText(url, SKIP_SEED) % (size - 1) + 1)
  const largest = Math.max(...members.map(({ weight }) => weight))
  const due = new Float64Array(members.length)
  let filled = 0
  for (let round = 1; filled < size; round++) {
    for (const [i, { weight }] of members.entries()) {
      if (round * weight < (due[i] ?? 0)) continue
      due[i] = (due[i] ?? 0) + largest
      let entry = next[i] ?? 0
      while (table[entry] !== FREE) entry = (entry + (skips[i] ?? 1)) % size
      table[entry] = i
      next[i] = (entry + (skips[i] ?? 1)) % size
      if (++filled === size) break
    }
  }
  return table
}
