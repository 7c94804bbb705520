/** Upgrade requests take the way of every other request, hooks included; `fastify.tunnels` knows which ones they are. */
import { type IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Tunnels } from '../src/upstream/tunnels.ts'
import { UpgradeRequest } from '../src/upstream/upgrade-request.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The connections that asked for a tunnel, or are one. */
    readonly tunnels: Tunnels
  }
}

async function tunnel (fastify: FastifyInstance): Promise<void> {
  const tunnels = new Tunnels()
  fastify.decorate('tunnels', tunnels)

  fastify.server.on('upgrade', (raw: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!(socket instanceof Socket)) {
      socket.destroy()
      return
    }
    const upgrade = new UpgradeRequest(socket, head)
    const response = new ServerResponse(raw)
    tunnels.add(raw, upgrade)
    upgrade.answerWith(response)
    fastify.routing(raw, response)
  })
}

export default fp(tunnel, { name: 'fastlancer-tunnel', fastify: '5.x' })
