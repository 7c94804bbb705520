/** TLS to backends: verified, unless a backend was named as one that is not. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as tls from 'node:tls'

export interface UpstreamTlsOptions {
  /** CA certificates (PEM) to trust in place of the system's. */
  readonly caFile?: string
  /** Certificate and key (PEM) to show to backends that ask for one. */
  readonly certFile?: string
  readonly keyFile?: string
  /** The name for SNI and verification, in place of the one in the backend's URL. */
  readonly servername?: string
  /** URLs of backends whose certificates are not verified. */
  readonly unverified?: readonly string[]
}

export interface UpstreamTls {
  readonly context: tls.SecureContext
  readonly servername: string | undefined
  readonly unverified: ReadonlySet<string>
  /** The last session with each backend, by its URL, so that later handshakes are short. */
  readonly sessions: Map<string, Buffer>
}

/** Reads the files; throws an Error that names the file that cannot be used. */
export function upstreamTls ({ caFile, certFile, keyFile, servername, unverified = [] }: UpstreamTlsOptions = {}): UpstreamTls {
  const context = tls.createSecureContext({
    minVersion: 'TLSv1.2',
    ...(caFile !== undefined && { ca: readCertificates(caFile) }),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) })
  })
  return { context, servername, unverified: new Set(unverified), sessions: new Map() }
}

/** OpenSSL takes a file without a certificate for an empty list, with which nothing could be verified any more. */
function readCertificates (file: string): string[] {
  const certificates = readFileSync(file, 'latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (certificates === null) throw new Error(`"${file}" holds no certificate: give a file of PEM certificates`)
  return certificates.map((certificate) => new X509Certificate(certificate).toString())
}
