import t from 'tap'
import { hashText, mixed } from '../../src/pool/hash.ts'
import { chiSquaredExcess } from '../kit/chi-squared.ts'

/** How many of the hashes fall into each of `parts`. */
function spread (hashes: Iterable<number>, parts: number): number[] {
  const counts = Array.from({ length: parts }, () => 0)
  for (const hash of hashes) counts[hash % parts] = (counts[hash % parts] ?? 0) + 1
  return counts
}

t.test('it is FNV-1a, mixed once more', async (t) => {
  // Known values of FNV-1a with 32 bits.
  for (const [text, hash] of [['', 0x811c9dc5], ['a', 0xe40c292c], ['foobar', 0xbf9cf968]] as const) t.equal(hashText(text), mixed(hash))
})

t.test('mixing is the last step of MurmurHash3', async (t) => {
  t.equal(mixed(0), 0)
  t.equal(mixed(1), 0x514e28b7)
  t.equal(mixed(0xffffffff), 0x81f16f39)
})

t.test('hashes are whole numbers of 32 bits', async (t) => {
  for (let i = 0; i < 1000; i++) {
    const hash = hashText(`key ${i}`)
    if (hash !== hash >>> 0) t.fail(`${hash}`)
  }
  t.equal(hashText('\uffff'), hashText('\uffff') >>> 0)
})

t.test('keys that differ in a number alone spread evenly', async (t) => {
  for (const parts of [5, 64, 97]) {
    const hashes = Array.from({ length: 20_000 }, (_, i) => hashText(`user-${i}`))
    const counts = spread(hashes, parts)
    t.ok(chiSquaredExcess(counts, counts.map(() => 1)) < 1, `${parts} parts`)
  }
})

t.test('all of a character counts', async (t) => {
  t.not(hashText('\u0161'), hashText('a'))
  t.not(hashText('\u6161'), hashText('\u6261'))
})

t.test('another seed gives hashes that have nothing to do with the first ones', async (t) => {
  const parts = 8
  const pairs = Array.from({ length: 20_000 }, (_, i) => hashText(`http://b${i}`, 1) % parts * parts + hashText(`http://b${i}`, 2) % parts)
  const counts = spread(pairs, parts * parts)
  t.ok(chiSquaredExcess(counts, counts.map(() => 1)) < 1)
})
