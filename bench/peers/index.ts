/** All peers, in the order of the tables. */
import type { Peer } from '../types.ts'
import { caddy } from './caddy.ts'
import { fastlancer } from './fastlancer.ts'
import { goDefault, goTuned } from './go.ts'
import { haproxy } from './haproxy.ts'
import { nginx, nginxAlone } from './nginx.ts'
import { fastGateway, fastifyAlone, httpProxy, httpProxy3, httpxy, nodeSockets } from './node.ts'

export const PEERS: readonly Peer[] = [
  fastlancer, nginx, haproxy, caddy, goDefault, goTuned, httpProxy, fastGateway, httpProxy3, httpxy, fastifyAlone, nodeSockets, nginxAlone
]

/** Names to choose a peer by: lower case, words joined by "-". */
export function shortName ({ name }: Peer): string {
  return name.toLowerCase().replace(/^@fastify\//, '').replaceAll(/[^a-z0-9]+/g, '-')
}
