/** Other gateways, as the benchmark has them, with the health checks and second attempts that their documentation has. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { caddy, caddyConfig } from '../../bench/peers/caddy.ts'
import { haproxy, haproxyConfig } from '../../bench/peers/haproxy.ts'
import { nginx } from '../../bench/peers/nginx.ts'
import { GATEWAY_CPU, start } from '../../bench/processes.ts'
import type { Site } from '../../bench/site.ts'
import type { Peer, Running, Setup } from '../../bench/types.ts'
import type { Gateway } from '../types.ts'

export interface OtherGateway extends Gateway {
  /** How it is set up, a sentence. */
  readonly about: string
  /** Its version, or undefined if it is not on this machine. */
  version (): string | undefined
}

const SETTINGS = 'usual'

/** Settings of HAProxy's backend section, and of each of its servers. */
const HAPROXY_LINES = ['option httpchk GET /health', 'option redispatch']
const HAPROXY_CHECK = 'check'

const CADDY_LINES = ['lb_try_duration 5s', 'fail_duration 10s', 'health_uri /health', 'health_interval 10s']

export const PEERS: readonly OtherGateway[] = [
  gatewayOf(nginx, 'round-robin; what it has without being asked: `proxy_next_upstream error timeout`, `max_fails=1`, `fail_timeout=10s`, `proxy_read_timeout 60s`', async (site, setup) => await nginx.start(site, setup)),
  gatewayOf(haproxy, `\`balance roundrobin\`, \`${HAPROXY_LINES.join('`, `')}\`, \`${HAPROXY_CHECK}\` (every 2 s, 3 bad ones or 2 good ones in a row count), \`retries 3\` as it comes`, async (site, setup) => {
    const folder = site.newFolder('haproxy')
    const port = await site.newPort()
    const config = join(folder, 'haproxy.cfg')
    writeFileSync(config, checkedHaproxy(setup, port))
    return { port, process: start('haproxy', ['-db', '-f', config], { cpu: GATEWAY_CPU, cwd: folder, logFile: join(folder, 'stderr.log') }) }
  }),
  gatewayOf(caddy, `\`lb_policy round_robin\`, \`${CADDY_LINES.join('`, `')}\``, async (site, setup) => {
    const folder = site.newFolder('caddy')
    const port = await site.newPort()
    const config = join(folder, 'Caddyfile')
    writeFileSync(config, checkedCaddy(setup, port))
    const env = { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    return { port, process: start('caddy', ['run', '--adapter', 'caddyfile', '--config', config], { cpu: GATEWAY_CPU, cwd: folder, env, logFile: join(folder, 'stderr.log') }) }
  })
]

export function checkedHaproxy (setup: Setup, port: number): string {
  return haproxyConfig(setup, port, '')
    .replace(/^ {2}balance .*$/m, ['$&', ...HAPROXY_LINES].join('\n  '))
    .replaceAll(/^ {2}server .*$/gm, `$& ${HAPROXY_CHECK}`)
}

export function checkedCaddy (setup: Setup, port: number): string {
  return caddyConfig(setup, port, { certFile: '', keyFile: '', bothFile: '' }).replace(/^ {4}lb_policy .*$/m, ['$&', ...CADDY_LINES].join('\n    '))
}

function gatewayOf (peer: Peer, about: string, startPeer: (site: Site, setup: Setup) => Promise<Running>): OtherGateway {
  return {
    name: peer.name,
    settings: SETTINGS,
    isOurs: false,
    about,
    version: () => peer.version(),
    start: async (site, backends) => await startPeer(site, { protocol: 'http', backends, settings: {} })
  }
}
