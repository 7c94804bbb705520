import t from 'tap'
import { maglevTable, type Member } from '../../../src/pool/policies/maglev-table.ts'

function membersOf (count: number, weightOf: (index: number) => number = () => 1): Member[] {
  return Array.from({ length: count }, (_, i) => ({ url: `http://10.0.${i >> 8}.${i & 255}:8080`, weight: weightOf(i) }))
}

/** The names of the members that the entries belong to. */
function owners (members: readonly Member[]): Array<string | undefined> {
  return Array.from(maglevTable(members), (i) => members[i]?.url)
}

/** How many entries each has, in parts of what its weight says. */
function shares (members: readonly Member[]): number[] {
  const table = maglevTable(members)
  const counts = members.map(() => 0)
  for (const i of table) counts[i] = (counts[i] ?? 0) + 1
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  return counts.map((count, i) => count / table.length * total / (members[i]?.weight ?? 1))
}

/** The part of the entries that do not belong to whom they belonged before, but for those of a member that is only in one of both. */
function disruption (before: readonly Member[], after: readonly Member[]): number {
  const known = new Set(before.map(({ url }) => url).filter((url) => after.some((member) => member.url === url)))
  const now = owners(after)
  const moved = owners(before).filter((owner, entry) => owner !== now[entry] && known.has(owner ?? '') && known.has(now[entry] ?? ''))
  return moved.length / now.length
}

t.test('the number of entries is a prime, and at least 100 for each member', async (t) => {
  for (const count of [1, 655, 656, 2621, 2622]) {
    const size = maglevTable(membersOf(count)).length
    t.ok(size >= 100 * count, `${count} members`)
    for (let divisor = 2; divisor * divisor <= size; divisor++) if (size % divisor === 0) t.fail(`${size} is divided by ${divisor}`)
  }
})

t.test('each entry belongs to a member', async (t) => {
  t.ok(maglevTable(membersOf(7)).every((i) => i >= 0 && i < 7))
  t.equal(maglevTable([]).length, 0)
})

t.test('equal members differ by one entry at most, which is 1% at 100 entries each', async (t) => {
  for (const count of [2, 3, 10, 655]) {
    const parts = shares(membersOf(count))
    t.ok(Math.max(...parts) - Math.min(...parts) <= 1.001 * count / 65_537, `${count} members`)
  }
})

t.test('members have entries by weight', async (t) => {
  for (const weights of [[1, 2, 3], [1, 1000], [7, 11, 13, 1, 1]]) {
    for (const part of shares(membersOf(weights.length, (i) => weights[i] ?? 1))) t.ok(Math.abs(part - 1) < 0.02, `${weights.join()}: ${part}`)
  }
})

t.test('the order in which members are listed does not matter', async (t) => {
  const members = membersOf(40, (i) => 1 + i % 3)
  t.strictSame(owners(members.toReversed()), owners(members))
})

t.test('when one of n leaves or joins, few entries move but its own', async (t) => {
  for (const count of [3, 10, 50, 200]) {
    const members = membersOf(count)
    for (const gone of [0, count >> 1, count - 1]) {
      const others = members.toSpliced(gone, 1)
      t.ok(disruption(members, others) < 0.02, `${count} members, ${gone} leaves: ${disruption(members, others)}`)
      t.ok(disruption(others, members) < 0.02, `${count} members, ${gone} joins`)
    }
  }
})

t.test('when a weight changes, entries move about as its share does', async (t) => {
  const before = membersOf(20, () => 4)
  const after = membersOf(20, (i) => i === 3 ? 2 : 4)
  const now = owners(after)
  const moved = owners(before).filter((owner, entry) => owner !== now[entry]).length / now.length
  t.ok(moved > 0.02 && moved < 0.1, `${moved}; its share falls from 5% to 2.6%`)
})

t.test('one heavy member among many is no reason to take long', async (t) => {
  const tookMs = (members: readonly Member[]): number => {
    const startMs = performance.now()
    maglevTable(members)
    return performance.now() - startMs
  }
  const equalMs = tookMs(membersOf(2621))
  const unequalMs = tookMs(membersOf(2621, (i) => i === 0 ? 1000 : 1))
  t.ok(unequalMs < 10 * equalMs, `${unequalMs} ms against ${equalMs} ms; looking at all of them in each round takes hundreds of millions of steps`)
})
