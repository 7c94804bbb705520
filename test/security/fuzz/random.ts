/** Chance, the same for a seed. */
import { type Random, seeded } from '../../wire/random-responses.ts'

export { type Random, seeded }

/** A whole number from 0 up to, and without, `bound`. */
export function roll (random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

export function pick (choices: readonly string[], random: Random): string {
  return choices[roll(random, choices.length)] ?? ''
}

/** From `least` to `most` of what `make` makes. */
export function repeated<Kind> (random: Random, least: number, most: number, make: () => Kind): Kind[] {
  return Array.from({ length: least + roll(random, most - least + 1) }, make)
}
