/** Who is at either end of a client's connection, kept from the moment that it came in. */
import type { Socket } from 'node:net'

export interface Ends {
  /** Where the connection came from. */
  readonly address: string
  readonly port: number
  /** Where it went to. */
  readonly localAddress: string
  readonly localPort: number
}

/**
 * Asks the kernel, which does not know any more as soon as the client has reset the connection: undefined. A client that sends
 * its request and resets at once would go without an address, if it were not asked for before the request is read.
 */
export function endsOf ({ remoteAddress: address, remotePort: port, localAddress, localPort }: Socket): Ends | undefined {
  if (address === undefined || port === undefined || localAddress === undefined || localPort === undefined) return undefined
  return { address, port, localAddress, localPort }
}

/** From here on the socket names these ends, whatever the kernel says. */
export function pinEnds (socket: Socket, { address, port, localAddress, localPort }: Ends): void {
  const values = { remoteAddress: address, remotePort: port, localAddress, localPort }
  for (const [name, value] of Object.entries(values)) Object.defineProperty(socket, name, { value, configurable: true })
}
