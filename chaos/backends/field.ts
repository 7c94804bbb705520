/** The three backends of a play, each a process (or nginx's two) of its own, on the load's processor. */
import { join } from 'node:path'
import { startNginx } from '../../bench/nginx.ts'
import { LOAD_CPU, type Process, start } from '../../bench/processes.ts'
import type { Site } from '../../bench/site.ts'
import { bodyOf } from '../body.ts'
import { Backend } from './backend.ts'
import { Namespace } from './namespace.ts'
import type { ServerFault } from './server-fault.ts'

/** What they are: nginx, the server in main.ts with a fault that it knows, or that server with the second one in a network of its own. */
export type FieldKind = 'nginx' | 'isolated' | ServerFault

export const BACKENDS: readonly string[] = ['b1', 'b2', 'b3']

/** The one in the middle: on both sides of it are others that could get more than their share. */
export const VICTIM = 'b2'

export class Field {
  readonly backends: readonly Backend[]
  /** That of the victim, where it has one. */
  readonly network: Namespace | undefined

  constructor (backends: readonly Backend[], network?: Namespace) {
    this.backends = backends
    this.network = network
  }

  /** Those of these names. */
  named (names: readonly string[]): readonly Backend[] {
    return this.backends.filter(({ name }) => names.includes(name))
  }

  /** Ends all of it. */
  async end (): Promise<void> {
    await Promise.all(this.backends.map(async (backend) => await backend.kill()))
    this.network?.remove()
  }
}

/** Starts backends and waits until they answer. */
export async function startField (site: Site, kind: FieldKind): Promise<Field> {
  const network = kind === 'isolated' ? new Namespace() : undefined
  const backends = await Promise.all(BACKENDS.map(async (name) => {
    const port = await site.newPort()
    if (kind === 'nginx') return new Backend(name, `127.0.0.1:${port}`, () => startNginx(site, name, nginxServer(name, port), LOAD_CPU))
    const isApart = network !== undefined && name === VICTIM
    const host = isApart ? network.host : '127.0.0.1'
    const fault = kind === 'isolated' || name !== VICTIM ? 'none' : kind
    return new Backend(name, `${host}:${port}`, () => startServer(site, { name, host, port, fault }, isApart ? network.command : []))
  }))
  const field = new Field(backends, network)
  try {
    await Promise.all(backends.map(async (backend) => await backend.start()))
    return field
  } catch (error) {
    await field.end()
    throw error
  }
}

export function nginxServer (name: string, port: number): string {
  return `
  default_type text/plain;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /health { return 200 "ok\\n"; }
    location / { return 200 "${bodyOf(name, '$request_uri').replaceAll('\n', '\\n')}"; }
  }`
}

interface ServerOptions {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly fault: ServerFault
}

/** `within`: the command that it is started by. */
function startServer (site: Site, { name, host, port, fault }: ServerOptions, within: readonly string[]): Process {
  const folder = site.newFolder(name)
  const args = ['--name', name, '--host', host, '--port', String(port), '--fault', fault]
  const [command = '', ...others] = [...within, process.execPath, join(import.meta.dirname, 'main.ts'), ...args]
  return start(command, others, { cpu: LOAD_CPU, cwd: folder, logFile: join(folder, 'stderr.log') })
}
