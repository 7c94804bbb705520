/** Random numbers that a seed repeats. */

/** A generator of numbers from 0 (included) to 1 (not included): a linear congruence modulo 2^32. Good enough for paths and pauses. */
export function randomOf (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
