/** A site that is gone with the test, and backends within it. */
import { createServer } from 'node:http'
import { availableParallelism } from 'node:os'
import { once } from 'node:events'
import type { Backends } from '../../bench/backends.ts'
import { type Process, start } from '../../bench/processes.ts'
import { Site } from '../../bench/site.ts'
import { hasTool } from '../../bench/tools.ts'
import { portOf } from '../kit/port.ts'

/** What tests that start processes cannot do without; false: they can run. */
export const SKIP = availableParallelism() < 2 || !['taskset', 'openssl'].every(hasTool) ? 'needs two processors, taskset and openssl' : false

/** One for all: each would listen to the end of this process. */
export const site = new Site()

/** A program of one line that runs until it is ended. */
export function startScript (script: string): Process {
  const folder = site.newFolder('script')
  return start(process.execPath, ['-e', script], { cpu: 0, cwd: folder, logFile: `${folder}/stderr.log` })
}

export interface CountingBackends extends Backends {
  /** Requests for `/`, one number a backend. */
  readonly counts: number[]
  close (): void
}

/** Backends in this process, which say who they are. */
export async function countingBackends (count = 3): Promise<CountingBackends> {
  const counts = Array.from({ length: count }, () => 0)
  const servers = counts.map((_, index) => createServer((request, response) => {
    if (request.url === '/') counts[index] = (counts[index] ?? 0) + 1
    response.end('hello, world\n')
  }).listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  return {
    counts,
    addresses: servers.map((server) => `127.0.0.1:${portOf(server)}`),
    process: startScript('setInterval(() => {}, 1000)'),
    close: () => {
      for (const server of servers) server.close().closeAllConnections()
    }
  }
}
