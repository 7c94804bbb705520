/** A probe that opens a connection, and the TLS on it where there is any, and asks nothing. */
import type { ProbeOutcome } from '../health/prober.ts'
import type { BackendAddress } from './backend-address.ts'
import { openSocket } from './connector.ts'
import { describeCause } from './failure.ts'
import { CONNECT_TIMEOUT_MS } from './probe-settings.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** Sends it; `done` is called once, unless the function that is returned is called before. */
export function tcpProbe (address: BackendAddress, tls: UpstreamTls, done: (outcome: ProbeOutcome) => void): () => void {
  let isOver = false
  let error = new Error('closed before it was open')
  const finish = (outcome: ProbeOutcome): void => {
    if (isOver) return
    isOver = true
    socket.destroy()
    done(outcome)
  }
  const socket = openSocket(address, address.protocol, { connectTimeoutMs: CONNECT_TIMEOUT_MS, tls }, () => finish({ good: true, reason: 'the connection opened' }))
  socket.on('error', (cause) => { error = cause })
  socket.on('close', () => finish({ good: false, reason: describeCause(error) }))
  return () => {
    isOver = true
    socket.destroy()
  }
}
