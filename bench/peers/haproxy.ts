/** HAProxy as a peer. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GATEWAY_CPU, start } from '../processes.ts'
import type { Site } from '../site.ts'
import type { Peer, Running, Setup } from '../types.ts'
import { firstMatch } from './version.ts'

/** Its `roundrobin` is limited to 4,095 backends; `static-rr` is not. */
const MAX_ROUND_ROBIN = 4_095

/** More than it works out for itself from the number of open files, of which a connection may take two. */
const MAX_CONNECTIONS = 19_000

export const haproxy: Peer = {
  name: 'HAProxy',
  kind: 'gateway',
  about: 'one thread; `balance roundrobin` (`static-rr` above 4,095 backends), `option forwardfor`, connections reused as by default',
  lacks: {},
  version: () => firstMatch('haproxy', ['-v'], /version (\S+)/),
  start: startPeer
}

/** `bothFile` holds the certificate and its key. */
export function haproxyConfig ({ protocol, backends }: Setup, port: number, bothFile: string): string {
  const tls = protocol === 'http' ? '' : ` ssl crt ${bothFile} alpn ${protocol === 'h2' ? 'h2,http/1.1' : 'http/1.1'}`
  return `global
  nbthread 1
  maxconn ${MAX_CONNECTIONS}
  no strict-limits
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  timeout tunnel 1h
frontend clients
  bind 127.0.0.1:${port} backlog 4096${tls}
  default_backend backends
backend backends
  balance ${backends.length > MAX_ROUND_ROBIN ? 'static-rr' : 'roundrobin'}
${backends.map((backend, index) => `  server b${index} ${backend}`).join('\n')}
`
}

async function startPeer (site: Site, setup: Setup): Promise<Running> {
  const folder = site.newFolder('haproxy')
  const port = await site.newPort()
  const config = join(folder, 'haproxy.cfg')
  writeFileSync(config, haproxyConfig(setup, port, site.certificate().bothFile))
  return { port, process: start('haproxy', ['-db', '-f', config], { cpu: GATEWAY_CPU, cwd: folder, logFile: join(folder, 'stderr.log') }) }
}
