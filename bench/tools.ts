/** What a run cannot do without. */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Each with the Debian package that brings it. */
const NEEDED: ReadonlyMap<string, string> = new Map([
  ['taskset', 'util-linux'], ['wrk', 'wrk'], ['nginx', 'nginx'], ['go', 'golang-go'], ['openssl', 'openssl']
])

export class ToolsMissingError extends Error {}

/** Throws if a program is missing, or a second processor. Peers need not be there: who is missing is named in the report. */
export function assertTools (): void {
  const missing = [...NEEDED].filter(([tool]) => !hasTool(tool))
  if (missing.length > 0) {
    throw new ToolsMissingError(`missing: ${missing.map(([tool]) => tool).join(', ')}; on Debian: apt-get install ${missing.map(([, name]) => name).join(' ')}`)
  }
  if (availableParallelism() < 2) throw new ToolsMissingError('two processors are needed: one for the gateways, one for the load')
}

export function hasTool (name: string): boolean {
  return spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${name}`]).status === 0
}
