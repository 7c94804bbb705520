/** Sends a probe to where the backend wants it. */
import type { Probe } from '../health/prober.ts'
import type { Backend } from '../pool/backend.ts'
import { type BackendAddress, backendAddress } from './backend-address.ts'
import type { ProbeSettings } from './probe-settings.ts'
import { requestProbe } from './request-probe.ts'
import { tcpProbe } from './tcp-probe.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** Probes in the protocol of the backend, or of the address that it has for probes; verified like every connection to a backend. The deadline is the prober's. */
export function backendProbe (settings: ProbeSettings, tls: UpstreamTls): Probe<Backend> {
  return (backend, done) => {
    const { address, path } = placeOf(backend)
    if (settings.protocol === 'tcp') return tcpProbe(address, tls, done)
    return requestProbe({ ...settings, path: path ?? settings.path }, address, tls, done)
  }
}

/** Where the probe of a backend goes, and on which path if that is the backend's own. */
function placeOf ({ url, probe = url }: Backend): { readonly address: BackendAddress, readonly path: string | undefined } {
  const pathAt = probe.indexOf('/', probe.indexOf('://') + '://'.length)
  if (pathAt === -1) return { address: backendAddress(probe), path: undefined }
  return { address: backendAddress(probe.slice(0, pathAt)), path: probe.slice(pathAt) }
}
