/** nginx as a peer: round-robin with kept-alive upstream connections. */
import { startNginx } from '../nginx.ts'
import { GATEWAY_CPU } from '../processes.ts'
import type { Certificate, Site } from '../site.ts'
import type { Peer, Protocol, Running, Setup } from '../types.ts'
import { firstMatch } from './version.ts'

/** Upstream connections that are kept, at least; one a backend where there are more. */
const KEPT_CONNECTIONS = 256

export const nginx: Peer = {
  name: 'nginx',
  kind: 'gateway',
  about: 'one worker; round-robin, `keepalive 256` to the backends (or one a backend), X-Forwarded-* set',
  lacks: {},
  version: () => firstMatch('nginx', ['-v'], /nginx\/(\S+)/),
  start: startPeer
}

/** A limit, and a control: what it does not do, in throughput or in latency, the machine does not let anybody do. */
export const nginxAlone: Peer = {
  name: 'nginx by itself',
  kind: 'limit',
  about: 'one worker that answers the small GET itself; its latencies are the machine\'s and the load\'s own',
  lacks: {
    forwarding: 'it answers by itself, it has nothing to fetch',
    websocket: 'it answers by itself, it has nothing to fetch',
    'idle-connections': 'a limit of throughput, no gateway'
  },
  version: () => nginx.version(),
  start: async (site, { protocol }) => {
    const port = await site.newPort()
    const server = `
  default_type text/plain;
  server {
    ${listenOn(port, protocol, site.certificate())}
    location / { return 200 "hello, world\\n"; }
  }`
    return { port, process: startNginx(site, 'nginx-by-itself', server, GATEWAY_CPU) }
  }
}

async function startPeer (site: Site, setup: Setup): Promise<Running> {
  const port = await site.newPort()
  return { port, process: startNginx(site, 'nginx', nginxConfig(setup, port, site.certificate()), GATEWAY_CPU) }
}

export function nginxConfig ({ protocol, backends }: Setup, port: number, certificate: Certificate): string {
  const kept = Math.max(KEPT_CONNECTIONS, backends.length)
  return `
  map $http_upgrade $connection_field { default upgrade; '' ''; }
  upstream backends {
    ${backends.map((backend) => `server ${backend};`).join('\n    ')}
    keepalive ${kept};
    keepalive_requests 1000000000;
  }
  server {
    ${listenOn(port, protocol, certificate)}
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection $connection_field;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }
  }`
}

function listenOn (port: number, protocol: Protocol, { certFile, keyFile }: Certificate): string {
  const tls = protocol === 'http' ? '' : `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};`
  const kinds = { http: '', https: ' ssl', h2: ' ssl http2' }
  return `listen 127.0.0.1:${port} backlog=4096${kinds[protocol]}; ${tls} http2_max_requests 1000000000;`
}
