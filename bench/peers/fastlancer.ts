/** Fastlancer as a peer: this checkout, or another one. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { GATEWAY_CPU, start } from '../processes.ts'
import { ROOT, type Site } from '../site.ts'
import { startFlags } from '../start-flags.ts'
import type { Peer, Running, Setup } from '../types.ts'
import { versionIn } from './version.ts'
import { revisionOf } from './revision.ts'

export const OURS = 'Fastlancer'

export const fastlancer = fastlancerPeer(OURS, ROOT)

/** Two processes with a port each: what two workers would be if they shared nothing. */
export const fastlancerTwice: Peer = {
  ...fastlancer,
  name: `${OURS}, two processes`,
  start: async (site, setup) => await startPeer(site, setup, ROOT, await site.newPort())
}

/** The second one is started with its port in the environment, which counts for more than the file. */
const START_TWO = 'port=$1; shift; PORT=$port "$@" & exec "$@"'

/** The checkout in `folder`, which needs its own node_modules. */
export function fastlancerPeer (name: string, folder: string): Peer {
  return {
    name,
    kind: 'gateway',
    about: 'its defaults, with `ACCESS_LOG=off` and `ADMIN_PORT=off`',
    lacks: {},
    version: () => {
      const version = versionIn(join(folder, 'package.json'))
      return version === undefined ? undefined : `${version} (${revisionOf(folder)})`
    },
    start: async (site, setup) => await startPeer(site, setup, resolve(folder))
  }
}

async function startPeer (site: Site, { protocol, backends, settings }: Setup, checkout: string, otherPort?: number): Promise<Running> {
  const folder = site.newFolder('fastlancer')
  const port = await site.newPort()
  const { certFile, keyFile } = site.certificate()
  const tls = protocol === 'http' ? {} : { TLS_CERT_FILES: certFile, TLS_KEY_FILES: keyFile }
  const config = {
    BACKENDS: backends.map((backend) => `http://${backend}`).join(','), HOST: '127.0.0.1', PORT: String(port), ADMIN_PORT: 'off', ACCESS_LOG: 'off', ...tls, ...settings
  }
  // A file, because a variable of the environment holds 128 KiB at most: too little for 10,000 backends.
  writeFileSync(join(folder, '.env'), Object.entries(config).map(([key, value]) => `${key}=${value}\n`).join(''))
  const script = [...startFlags(checkout), join(checkout, 'src/server.ts')]
  const [command, args] = otherPort === undefined ? [process.execPath, script] : ['sh', ['-c', START_TWO, 'sh', String(otherPort), process.execPath, ...script]]
  const started = start(command, args, {
    cpu: GATEWAY_CPU, cwd: folder, env: { NODE_ENV: 'production' }, logFile: join(folder, 'stderr.log')
  })
  return { port, otherPorts: otherPort === undefined ? [] : [otherPort], process: started }
}
