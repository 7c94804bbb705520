/**
 * `npm run bench:profile`: where the microseconds of a request go. Puts the gateway under load (small GET, 64 connections, one
 * processor), takes a profile once it is warm, adds it up by who spent the time, and leaves the profile as a file that
 * Chrome's developer tools or speedscope show as a flame graph.
 *
 *   npm run bench:profile -- [--seconds N] [--connections N] [--path /1m] [--file gateway.cpuprofile]
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBackends } from '../backends.ts'
import { wrk } from '../load/wrk.ts'
import { GATEWAY_CPU, type Process, start, stepAside } from '../processes.ts'
import { untilAnswers } from '../ready.ts'
import { ROOT, Site } from '../site.ts'
import { startFlags } from '../start-flags.ts'
import { assertTools } from '../tools.ts'
import { type CpuProfile, timesByGroup } from './groups.ts'

const WARM_UP_SECONDS = 6
/** Groups with less than this share are added up. */
const LEAST_SHARE = 0.005
const WRITTEN_WITHIN_MS = 20_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '64' },
    path: { type: 'string', default: '/' },
    file: { type: 'string', default: 'gateway.cpuprofile' }
  }
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const file = resolve(values.file)

assertTools()
stepAside()
rmSync(file, { force: true })
const site = new Site()
const { addresses } = await startBackends(site, 'files')
const port = await site.newPort()
const url = `http://127.0.0.1:${port}${values.path}`
const gateway = start(process.execPath, [...startFlags(ROOT), '--import', join(import.meta.dirname, 'hook.ts'), join(ROOT, 'src/server.ts')], {
  cpu: GATEWAY_CPU,
  cwd: site.newFolder('gateway'),
  env: {
    NODE_ENV: 'production', PROFILE_FILE: file, BACKENDS: addresses.map((address) => `http://${address}`).join(','),
    HOST: '127.0.0.1', PORT: String(port), ADMIN_PORT: 'off', ACCESS_LOG: 'off'
  },
  logFile: join(site.folder, 'gateway.log')
})
await untilAnswers(`http://127.0.0.1:${port}`, gateway)
await wrk({ url, connections, seconds: WARM_UP_SECONDS })
signal(gateway)
const cpuBefore = gateway.cpuNanos()
const { requests } = await wrk({ url, connections, seconds })
const cpuMicros = (gateway.cpuNanos() - cpuBefore) / 1_000
signal(gateway)
report(await profileIn(file), requests, cpuMicros)
await gateway.stop()

/** All processes of the gateway but its shell get the signal. */
function signal (target: Process): void {
  const pid = target.pids().at(-1)
  if (pid !== undefined) process.kill(pid, 'SIGUSR2')
}

async function profileIn (path: string): Promise<CpuProfile> {
  const until = performance.now() + WRITTEN_WITHIN_MS
  while (!existsSync(path) && performance.now() < until) await wait(100)
  const profile: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!isProfile(profile)) throw new Error(`${path} is no profile`)
  return profile
}

function isProfile (value: unknown): value is CpuProfile {
  return typeof value === 'object' && value !== null && 'nodes' in value && Array.isArray(value.nodes)
}

function report (profile: CpuProfile, count: number, cpuMicrosInAll: number): void {
  const times = timesByGroup(profile, ROOT).filter(({ group }) => group !== 'the profile itself')
  const sum = times.reduce((total, { micros }) => total + micros, 0)
  const shown = times.filter(({ micros }) => micros / sum >= LEAST_SHARE)
  const rest = sum - shown.reduce((total, { micros }) => total + micros, 0)
  console.log(`${count} requests of ${values.path} in ${seconds} s over ${connections} connections, ${(cpuMicrosInAll / count).toFixed(1)} us of the processor each (the profile's own time included)\n`)
  console.log('| where | share | us a request |\n| --- | --- | --- |')
  for (const { group, micros } of [...shown, { group: 'all that has less', micros: rest }]) {
    console.log(`| ${group} | ${(100 * micros / sum).toFixed(1)}% | ${(micros / count).toFixed(1)} |`)
  }
  console.log(`\n${file} can be opened in Chrome's developer tools (Performance) or speedscope.`)
}
