/** Whether a port can be shared by workers, and by nobody else. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ListenFailedError, WorkersUnsupportedError } from '../errors.ts'

/**
 * Fails if somebody listens there, or if the system cannot share a port. Has to be asked before the first worker listens: with
 * SO_REUSEPORT a second gateway would not be refused, but get a share of the connections.
 */
export async function assertPortCanBeShared (host: string, port: number): Promise<void> {
  try {
    await listenOnce(host, port, false)
  } catch (error) {
    throw new ListenFailedError(`${host}:${port}`, `${describe(error)}: change HOST and PORT`)
  }
  try {
    await listenOnce(host, 0, true)
  } catch (error) {
    throw new WorkersUnsupportedError(describe(error))
  }
}

/** Node closes the listener before the event loop turns: nobody gets further than into its queue. */
async function listenOnce (host: string, port: number, reusePort: boolean): Promise<void> {
  const server = createServer()
  const listening = once(server, 'listening')
  server.listen({ host, port, reusePort })
  await listening
  server.close()
}

function describe (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
