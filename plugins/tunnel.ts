/** Upgrade requests take the way of every other request, hooks included; `fastify.tunnels` knows which ones they are. */
import { type IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { isClosing } from '../src/client/closing.ts'
import { Tunnels } from '../src/client/tunnels.ts'
import { whenFree } from '../src/client/turn.ts'
import { UpgradeRequest } from '../src/client/upgrade-request.ts'

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
    // Requests before it on the connection get their answers first.
    whenFree(socket, () => {
      if (isClosing(socket)) return
      upgrade.answerWith(response)
      fastify.routing(raw, response)
    })
  })
}

export default fp(tunnel, { name: 'fastlancer-tunnel', fastify: '5.x' })
