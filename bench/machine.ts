/** What was measured on, and with. */
import { cpus, release, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'
import { firstMatch, packageVersion } from './peers/version.ts'

const GIB = 1_024 ** 3

/** Rows: what, value. */
export function machine (): Array<readonly [string, string]> {
  const processors = cpus()
  return [
    ['processor', `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores`],
    ['memory', `${(totalmem() / GIB).toFixed(0)} GiB`],
    ['kernel', `Linux ${release()}`],
    ['system', /PRETTY_NAME="([^"]+)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown'],
    ['Node', process.version],
    ['Fastify', packageVersion('fastify') ?? 'missing'],
    ['Go', firstMatch('go', ['version'], /go version go(\S+)/) ?? 'missing'],
    ['wrk', firstMatch('wrk', ['-v'], /^wrk (\S+)/) ?? 'missing'],
    ['h2load', firstMatch('h2load', ['--version'], /nghttp2\/(\S+)/) ?? 'missing']
  ]
}
