/** Ends the gateway: no new connections, then the requests in flight, then everything. */
import { setInterval } from 'node:timers'
import type { FastifyInstance } from 'fastify'

/** How often connections that have become idle are looked for while the gateway closes, in ms. */
const IDLE_CHECK_MS = 50

/** Closes the application; what is still in flight after `timeoutMs` is cut. True if nothing had to be. */
export async function shutDown (app: FastifyInstance, timeoutMs: number): Promise<boolean> {
  let isClean = true
  // A connection whose request ends now would stay open for its keep-alive time and hold up the end.
  const idleCheck = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS)
  const deadline = setTimeout(() => {
    isClean = false
    const { backends, counters } = app.pool
    const inFlight = backends.reduce((sum, { slot }) => sum + counters.ownInFlight(slot), 0)
    app.log.warn({ timeoutMs, inFlight, tunnels: app.tunnels.size }, 'shutdown timeout: what is still in flight is cut')
    app.tunnels.destroyAll()
    app.intake.destroyAll()
    app.server.closeAllConnections()
  }, timeoutMs)
  try {
    await app.close()
  } finally {
    clearInterval(idleCheck)
    clearTimeout(deadline)
  }
  return isClean
}
