/** The flags that a checkout gives to Node when it is started. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Those of `npm start` in `checkout`. Throws if it does not run src/server.ts with node. */
export function startFlags (checkout: string): string[] {
  const flags = /"start": ".*?\bnode ((?:--\S+ )*)src\/server\.ts/.exec(readFileSync(join(checkout, 'package.json'), 'utf8'))?.[1]
  if (flags === undefined) throw new Error(`${checkout}: "npm start" does not run src/server.ts with node`)
  return flags.split(' ').filter((flag) => flag !== '')
}
