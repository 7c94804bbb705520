/** Caddy as a peer. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GATEWAY_CPU, start } from '../processes.ts'
import type { Certificate, Site } from '../site.ts'
import type { Peer, Running, Setup } from '../types.ts'
import { firstMatch } from './version.ts'

const KEPT_CONNECTIONS_PER_BACKEND = 256

export const caddy: Peer = {
  name: 'Caddy',
  kind: 'gateway',
  about: '`reverse_proxy` with `lb_policy round_robin`, 256 connections kept to a backend',
  lacks: { 'many-backends': 'not asked of it' },
  version: () => firstMatch('caddy', ['version'], /^v?(\S+)/),
  start: startPeer
}

export function caddyConfig ({ protocol, backends }: Setup, port: number, { certFile, keyFile }: Certificate): string {
  return `{
  admin off
  auto_https off
  servers {
    protocols h1${protocol === 'h2' ? ' h2' : ''}
  }
}
${protocol === 'http' ? 'http' : 'https'}://127.0.0.1:${port} {
  bind 127.0.0.1
  ${protocol === 'http' ? '' : `tls ${certFile} ${keyFile}`}
  reverse_proxy ${backends.join(' ')} {
    lb_policy round_robin
    transport http {
      keepalive_idle_conns 0
      keepalive_idle_conns_per_host ${KEPT_CONNECTIONS_PER_BACKEND}
    }
  }
}
`
}

async function startPeer (site: Site, setup: Setup): Promise<Running> {
  const folder = site.newFolder('caddy')
  const port = await site.newPort()
  const config = join(folder, 'Caddyfile')
  writeFileSync(config, caddyConfig(setup, port, site.certificate()))
  const env = { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  return { port, process: start('caddy', ['run', '--adapter', 'caddyfile', '--config', config], { cpu: GATEWAY_CPU, cwd: folder, env, logFile: join(folder, 'stderr.log') }) }
}
