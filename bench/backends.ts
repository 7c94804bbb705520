/** The backends of a measurement, on the load's processor: nginx for answers, a program of ours for bodies and WebSocket. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startNginx } from './nginx.ts'
import { LOAD_CPU, type Process, start } from './processes.ts'
import { untilAnswers } from './ready.ts'
import type { Site } from './site.ts'
import type { BackendKind } from './types.ts'

const BACKENDS = 3

/** Paths of files, with their sizes in bytes. */
export const FILES = { '/16k': 16 * 1_024, '/1m': 1_024 * 1_024, '/100m': 100 * 1_024 * 1_024 } as const

/** Fields of an answer of `/fields`, besides those of nginx itself. */
export const ANSWERED_FIELDS = 20

export interface Backends {
  /** `host:port`. */
  readonly addresses: readonly string[]
  readonly process: Process
}

/** Starts backends of a kind and waits until they answer. */
export async function startBackends (site: Site, kind: BackendKind): Promise<Backends> {
  const backends = kind === 'bodies' ? await bodyBackends(site) : await nginxBackends(site, kind)
  await Promise.all(backends.addresses.slice(0, BACKENDS).map((address) => untilAnswers(`http://${address}`, backends.process)))
  return backends
}

/** As many addresses as asked for, out of 127.0.0.0/8, with one port. */
export function loopbackAddresses (count: number, port: number): string[] {
  // From 127.1.0.1 on; a last byte of 0 or 255 is left out, as it would be on any network.
  return Array.from({ length: count }, (_, index) => {
    const high = Math.floor(index / 254)
    return `127.${1 + Math.floor(high / 256)}.${high % 256}.${1 + index % 254}:${port}`
  })
}

async function nginxBackends (site: Site, kind: 'files' | number): Promise<Backends> {
  const port = await site.newPort()
  const addresses = kind === 'files' ? await site.newAddresses(BACKENDS) : loopbackAddresses(kind, port)
  const listens = kind === 'files' ? addresses : [`0.0.0.0:${port}`]
  const fields = Array.from({ length: ANSWERED_FIELDS }, (_, index) => `add_header X-Answered-${index + 1} "the value of field ${index + 1}";`)
  const process = startNginx(site, 'backends', `
  default_type text/plain;
  sendfile on;
  open_file_cache max=100;
  server {
    ${listens.map((listen) => `listen ${listen} backlog=4096;`).join('\n    ')}
    root ${filesFolder(site)};
    location / { return 200 "hello, world\\n"; }
    location = /fields { ${fields.join(' ')} return 200 "hello, world\\n"; }
    ${Object.keys(FILES).map((path) => `location = ${path} { }`).join('\n    ')}
  }`, LOAD_CPU)
  return { addresses, process }
}

async function bodyBackends (site: Site): Promise<Backends> {
  const addresses = await site.newAddresses(BACKENDS)
  const folder = site.newFolder('backends')
  const process = start(site.program('load'), ['backend', '-addresses', addresses.join(',')], { cpu: LOAD_CPU, cwd: folder, logFile: join(folder, 'stderr.log') })
  return { addresses, process }
}

/** Files full of zeros, which take no room on the disk. */
function filesFolder (site: Site): string {
  const folder = join(site.folder, 'files')
  mkdirSync(folder, { recursive: true })
  for (const [path, bytes] of Object.entries(FILES)) {
    writeFileSync(join(folder, path), '')
    truncateSync(join(folder, path), bytes)
  }
  return folder
}
