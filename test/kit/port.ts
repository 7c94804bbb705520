/** Ports of servers. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** The port that a server was given. */
export function portOf (server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port')
  return address.port
}

/** A port of 127.0.0.1 that was free a moment ago, for what has to be told one before it listens. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}
