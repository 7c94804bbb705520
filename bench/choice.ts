/** What arguments of the laboratory's commands have in common: names chosen from a list, a seed, and an error that says what there is. */

export class ArgumentError extends Error {}

export const MAX_SEED = 2 ** 32 - 1

/** Those that a comma-separated text names, in the order of `all`; without a text all of them. Throws an ArgumentError for a name that is not there. */
export function chosen<Thing> (flag: string, text: string | undefined, all: readonly Thing[], nameOf: (thing: Thing) => string): readonly Thing[] {
  if (text === undefined) return all
  const names = new Set(text.split(',').map((name) => name.trim()).filter((name) => name !== ''))
  const unknown = [...names].filter((name) => !all.some((thing) => nameOf(thing) === name))
  if (names.size === 0 || unknown.length > 0) {
    const fault = unknown.length === 0 ? 'names nothing' : `${unknown.map((name) => `"${name}"`).join(', ')} is not there`
    throw new ArgumentError(`${flag}: ${fault}; there are ${all.map(nameOf).join(', ')}`)
  }
  return all.filter((thing) => names.has(nameOf(thing)))
}

/** Throws an ArgumentError for what is no seed. */
export function readSeed (text: string): number {
  const seed = Number(text)
  if (!/^\d+$/.test(text) || seed > MAX_SEED) throw new ArgumentError(`--seed: "${text}" is not a whole number from 0 to ${MAX_SEED}`)
  return seed
}
