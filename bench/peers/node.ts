/** Peers that are scripts of Node's, in bench/peers/node: they run on the Node of this run. */
import { join } from 'node:path'
import { GATEWAY_CPU, start } from '../processes.ts'
import { ROOT, type Site } from '../site.ts'
import type { Feature, Peer, Running, Setup } from '../types.ts'
import { flagsOf } from './node/script-options.ts'
import { packageVersion } from './version.ts'

const NOT_ASKED = { 'many-backends': 'not asked of it' } as const

export const httpProxy = nodePeer({
  name: '@fastify/http-proxy',
  script: 'http-proxy.ts',
  about: 'as it comes, with a resolver (`replyOptions.getUpstream`) that takes the backends by turns; `websocket: true`'
})

export const fastGateway = nodePeer({
  name: 'fast-gateway',
  script: 'fast-gateway.ts',
  about: 'as its documentation balances: a `proxyHandler` that sets `base` by turns; connections kept by default',
  lacks: {
    websocket: 'needs faye-websocket, which it does not bring, and re-frames messages with it',
    http2: 'its router answers HTTP/2 only through an own server, which it documents for HTTP/1.1 alone'
  }
})

export const httpProxy3 = nodePeer({
  name: 'http-proxy-3',
  script: 'http-proxy-3.ts',
  about: '`proxy.web` with a target by turns and an agent that keeps connections',
  lacks: { http2: 'its documentation has HTTP/2 towards backends, through fetch, not towards clients' }
})

export const httpxy = nodePeer({ name: 'httpxy', script: 'httpxy.ts', about: '`proxy.web` with a target by turns; connections kept by default' })

export const fastifyAlone = nodePeer({
  name: 'Fastify by itself',
  package: 'fastify',
  script: 'fastify-alone.ts',
  kind: 'limit',
  about: 'answers the small GET itself: what a gateway on Fastify cannot beat',
  lacks: {
    forwarding: 'it answers by itself, it has nothing to fetch',
    websocket: 'it answers by itself, it has nothing to fetch',
    'idle-connections': 'a limit of throughput, no gateway'
  }
})

export const nodeSockets = nodePeer({
  name: 'Node, bytes only',
  package: undefined,
  script: 'sockets.ts',
  kind: 'limit',
  about: 'a connection to a backend for each client connection, bytes handed on by hand, without HTTP: what a proxy on Node cannot beat',
  lacks: {
    tls: 'bytes only', http2: 'bytes only', 'idle-connections': 'a limit of throughput: it holds a connection to a backend for each of a client'
  }
})

interface NodePeer {
  readonly name: string
  readonly script: string
  readonly about: string
  /** Default: the one named like the peer; undefined: none, its version is Node's. */
  readonly package?: string | undefined
  readonly kind?: Peer['kind']
  readonly lacks?: Readonly<Partial<Record<Feature, string>>>
}

function nodePeer (peer: NodePeer): Peer {
  const { name, script, about, kind = 'gateway', lacks = {} } = peer
  const needed = 'package' in peer ? peer.package : name
  return {
    name,
    kind,
    about,
    lacks: { ...NOT_ASKED, ...lacks },
    version: () => needed === undefined ? process.version : packageVersion(needed),
    start: async (site, setup) => await startPeer(site, setup, script)
  }
}

async function startPeer (site: Site, { protocol, backends }: Setup, script: string): Promise<Running> {
  const folder = site.newFolder(script)
  const port = await site.newPort()
  const { certFile, keyFile } = site.certificate()
  const started = start(process.execPath, [join(ROOT, 'bench/peers/node', script), ...flagsOf({ port, backends, protocol, certFile, keyFile })], {
    cpu: GATEWAY_CPU, cwd: folder, env: { NODE_ENV: 'production' }, logFile: join(folder, 'stderr.log')
  })
  return { port, process: started }
}
