/** TLS to backends: verified, unless a backend was named as one that is not. */
import * as tls from 'node:tls'
import { type FileKeys, readCertificateFiles } from '../client/certificate-files.ts'
import { parseBackendList } from '../config/backend-list.ts'
import type { ConfigKey } from '../config/env-schema.ts'

export interface UpstreamTlsOptions {
  /** CA certificates (PEM) to trust in place of the system's. */
  readonly caFile?: string
  /** Certificate and key (PEM) to show to backends that ask for one: both, or neither. */
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

/** The keys of the configuration that TLS to backends is made of. */
type TlsKey = Extract<ConfigKey, `UPSTREAM_TLS_${string}` | 'DANGEROUSLY_UNVERIFIED_BACKENDS'>

/** Their texts; what is missing has its default, which is always empty. */
export type UpstreamTlsTexts = { readonly [Key in TlsKey]?: string | undefined }

type Reading = { readonly context: tls.SecureContext, readonly faults?: undefined } | { readonly faults: readonly string[] }

const FILE_KEYS = { cert: 'UPSTREAM_TLS_CERT_FILE', key: 'UPSTREAM_TLS_KEY_FILE', ca: 'UPSTREAM_TLS_CA_FILE' } as const satisfies FileKeys

/** What the configuration says of TLS to backends. */
export function upstreamTlsOptions (texts: UpstreamTlsTexts): UpstreamTlsOptions {
  const { UPSTREAM_TLS_CA_FILE: caFile = '', UPSTREAM_TLS_CERT_FILE: certFile = '', UPSTREAM_TLS_KEY_FILE: keyFile = '' } = texts
  const { UPSTREAM_TLS_SERVERNAME: servername = '', DANGEROUSLY_UNVERIFIED_BACKENDS: unverified = '' } = texts
  return {
    unverified: parseBackendList(unverified).backends.map(({ url }) => url),
    ...(caFile !== '' && { caFile }),
    ...(certFile !== '' && { certFile }),
    ...(keyFile !== '' && { keyFile }),
    ...(servername !== '' && { servername })
  }
}

/** What keeps the files from being used, a sentence each. Reads all of them, blocking. */
export function upstreamTlsFaults (options: UpstreamTlsOptions): readonly string[] {
  return read(options).faults ?? []
}

/** Reads the files, blocking. Throws an Error that lists every fault, a sentence a line. */
export function upstreamTls (options: UpstreamTlsOptions = {}): UpstreamTls {
  const { servername, unverified = [] } = options
  const reading = read(options)
  if (reading.faults !== undefined) throw new Error(reading.faults.join('\n'))
  return { context: reading.context, servername, unverified: new Set(unverified), sessions: new Map() }
}

function read ({ caFile, certFile, keyFile }: UpstreamTlsOptions): Reading {
  const certFiles = certFile === undefined ? [] : [certFile]
  const keyFiles = keyFile === undefined ? [] : [keyFile]
  // A file without a certificate is a fault: OpenSSL takes it for an empty list, with which nothing could be verified any more.
  const { pairs: [pair], ca, faults } = readCertificateFiles({ certFiles, keyFiles, caFile }, FILE_KEYS)
  if (faults.length > 0) return { faults }
  try {
    const context = tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: [...ca] }),
      ...(pair !== undefined && { cert: pair.cert, key: pair.key })
    })
    return { context }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { faults: [`${FILE_KEYS.cert}: certificate file "${certFile}" cannot be used with key file "${keyFile}" (${reason}): issue both anew`] }
  }
}
