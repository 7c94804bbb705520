/**
 * Randomness that is the same in every run: Chris Doty-Humphrey's generator sfc32 (of PractRand), with a state of 128 bits. Streams of
 * different names have nothing to do with each other, so that one consumer more or less leaves the others what they had.
 */
import { hashText } from '../pool/hash.ts'

const TWO_POWER_32 = 2 ** 32

/** Rounds after which the state has nothing left of how it was made. */
const WARM_UP_ROUNDS = 15

/** Numbers from 0 (included) to 1 (not included), always the same ones for a seed and a name. `seed`: a whole number. */
export function seededRandom (seed: number, name = ''): () => number {
  let a = hashText(name, seed)
  let b = hashText(name, ~seed)
  let c = seed | 0
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21 | c >>> 11) + sum) | 0
    return (sum >>> 0) / TWO_POWER_32
  }
  for (let round = 0; round < WARM_UP_ROUNDS; round++) next()
  return next
}
