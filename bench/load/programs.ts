/** The load that is made by the program in this folder (Go). */
import { GRACE_MS, type HeldLoad, holdLoad, runLoad } from '../processes.ts'
import type { Site } from '../site.ts'

const PROGRAM = 'load'

/** Runs one of its commands; its flags are those of `-h`. Gives the figures of its line of JSON. */
export async function runProgram (site: Site, command: string, flags: Readonly<Record<string, string | number>>): Promise<Readonly<Record<string, number>>> {
  const limitMs = Number(flags['seconds'] ?? 0) * 1_000 + GRACE_MS
  return figures(await runLoad(site.program(PROGRAM), [command, ...flagsOf(flags)], { limitMs }))
}

/** Opens connections, one request on each, and holds them. */
export async function holdConnections (site: Site, address: string, connections: number): Promise<HeldLoad & { readonly open: number }> {
  const held = await holdLoad(site.program(PROGRAM), ['idle', ...flagsOf({ address, connections })])
  return { ...held, open: figures(held.line)['open'] ?? 0 }
}

function flagsOf (flags: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(flags).map(([name, value]) => `-${name}=${value}`)
}

/** The numbers of an object of JSON. */
function figures (text: string): Readonly<Record<string, number>> {
  return Object.fromEntries([...text.matchAll(/"(\w+)":(-?[\d.e+]+)/g)].map(([, name = '', value]) => [name, Number(value)]))
}
