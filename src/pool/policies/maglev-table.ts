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
const SIZES = [65_537, 262_147, 1_048_583, 4_194_319]
const ENTRIES_EACH = 100

const FREE = -1

/** Seeds of the two hashes that a member's preferences come of. */
const OFFSET_SEED = 0x6f66
const SKIP_SEED = 0x736b

/** Members of one weight: in a round either all of them take a turn or none. */
interface Group {
  readonly weight: number
  readonly indices: readonly number[]
  /** What the round times the weight has to reach for their next turn. */
  due: number
}

/** For each entry the index of the member that it belongs to; empty if there is none. The order of the members does not matter. */
export function maglevTable (members: readonly Member[]): Int32Array<ArrayBuffer> {
  if (members.length === 0) return new Int32Array(0)
  const size = SIZES.find((prime) => prime >= ENTRIES_EACH * members.length) ?? SIZES.at(-1) ?? 1
  const table = new Int32Array(size).fill(FREE)
  const next = Int32Array.from(members, ({ url }) => hashText(url, OFFSET_SEED) % size)
  const skips = Int32Array.from(members, ({ url }) => hashText(url, SKIP_SEED) % (size - 1) + 1)
  let filled = 0
  for (const i of turns(groupsByWeight(members))) {
    if (filled++ === size) break
    next[i] = take(table, i, next[i] ?? 0, skips[i] ?? 1)
  }
  return table
}

/** The members in the order of their turns, without end; there is at least one. */
function * turns (groups: readonly Group[]): Generator<number, never> {
  const largest = groups[0]?.weight ?? 1
  for (let round = 1; ; round++) {
    for (const group of groups) {
      if (round * group.weight < group.due) continue
      group.due += largest
      yield * group.indices
    }
  }
}

/** Gives a member the first entry of its preferences that is free, and returns the one that it asks for next. */
function take (table: Int32Array, member: number, preferred: number, skip: number): number {
  const size = table.length
  let entry = preferred
  while (table[entry] !== FREE) {
    entry += skip
    if (entry >= size) entry -= size
  }
  table[entry] = member
  return (entry + skip) % size
}

/** Heaviest first, and in the order of their names: whoever lists the same members in another order has the same table. */
function groupsByWeight (members: readonly Member[]): readonly Group[] {
  const groups = Map.groupBy(members.keys(), (i) => members[i]?.weight ?? 1)
  const nameOf = (i: number): string => members[i]?.url ?? ''
  return [...groups]
    .map(([weight, indices]) => ({ weight, indices: indices.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1), due: 0 }))
    .toSorted((a, b) => b.weight - a.weight)
}
