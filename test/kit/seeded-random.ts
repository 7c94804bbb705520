/** Randomness that is the same in every run. */

/**
 * Numbers from 0 (included) to 1 (not included), always the same ones for a seed: a Weyl sequence whose steps are mixed by MurmurHash3's last
 * step.
 */
export function seededRandom (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
  }
}
