import t from 'tap'
import { hashText, mixed } from '../../src/pool/hash.ts'

t.test('a hash is a whole number of 32 bits, the same each time', async (t) => {
  for (const text of ['', 'a', 'http://127.0.0.1:8081', '\u00e4\u20ac\u{1f600}', 'x'.repeat(10_000)]) {
    const hash = hashText(text)
    t.ok(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32, text.slice(0, 30))
    t.equal(hashText(text), hash)
  }
})

t.test('it is FNV-1a with the last step of MurmurHash3: other gateways have to come to the same', async (t) => {
  // FNV-1a of "" is the offset, of "a" 0xe40c292c, of "foobar" 0xbf9cf968 (RFC 9923, test vectors).
  t.equal(hashText(''), mixed(0x811c9dc5))
  t.equal(hashText('a'), mixed(0xe40c292c))
  t.equal(hashText('foobar'), mixed(0xbf9cf968))
  t.strictSame([mixed(0), mixed(1), mixed(0xffffffff)], [0, 0x514e28b7, 0x81f16f39])
})

t.test('other texts and other seeds have other hashes', async (t) => {
  const texts = Array.from({ length: 5_000 }, (_, i) => `key-${i}`)
  t.ok(new Set([...texts, '\u0161', 'a'].map((text) => hashText(text))).size > 5_000)
  t.ok(texts.every((text) => hashText(text, 1) !== hashText(text, 2)))
})

t.test('keys that differ in their last letter are spread evenly', async (t) => {
  const counts = [0, 0, 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < 8_000; i++) {
    const bucket = hashText(`user-${i}`) % counts.length
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  for (const count of counts) t.ok(count > 850 && count < 1_150, `${count}`)
})
