/**
 * Hashes of texts for policies that go by a key: FNV-1a of the bytes of UTF-16 (but for high bytes of 0), mixed once more by the last step
 * of MurmurHash3, as FNV alone spreads short keys that differ in their last letter badly. Not for secrets: whoever chooses keys can choose where they go.
 * Sources: RFC 9923 (FNV), Appleby's MurmurHash3 (fmix32).
 */

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** A whole number from 0 to 2^32 - 1; other seeds give hashes that have nothing to do with each other. */
export function hashText (text: string, seed = 0): number {
  let hash = FNV_OFFSET ^ seed
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), FNV_PRIME)
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >> 8), FNV_PRIME)
  }
  return mixed(hash)
}

/** Spreads the bits of a number of 32 bits over all of them; no two numbers give the same. */
export function mixed (value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
