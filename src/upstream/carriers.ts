/** Which carriers a backend needs: by what is spoken there. */
import type { BackendAddress } from './backend-address.ts'
import type { Carrier, Carriers } from './carrier.ts'
import type { SocketOptions } from './connector.ts'
import { Http1Connections } from './http1-connections.ts'
import { Http2Connections } from './http2-connections.ts'

/** The carriers to the backend at `address`. */
export function carriersTo (address: BackendAddress, options: SocketOptions): Carriers {
  return address.protocol === 'h2' ? new Http2Connections(address, options) : new Http1Connections(address, options)
}

/** A carrier over a connection that cannot be a stale one. */
export function newCarrier (carriers: Carriers | undefined, mayTunnel: boolean): Carrier | undefined {
  return mayTunnel ? carriers?.takeForTunnel() : carriers?.takeNew()
}
