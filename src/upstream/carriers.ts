/** Which carriers a backend needs: by what is spoken there. */
import type { BackendAddress } from './backend-address.ts'
import type { Carriers } from './carrier.ts'
import type { SocketOptions } from './connector.ts'
import { Http1Connections } from './http1-connections.ts'
import { Http2Connections } from './http2-connections.ts'

/** The carriers to the backend at `address`. */
export function carriersTo (address: BackendAddress, options: SocketOptions): Carriers {
  return address.protocol === 'h2' ? new Http2Connections(address, options) : new Http1Connections(address, options)
}
