/** The certificates of the TLS listener: which one a client is shown, and how new ones come into force without a restart. */
import type { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ConfigKey } from '../config/env-schema.ts'
import { type CertificateFiles, type CertificatePair, type FileKeys, listedFiles, readCertificateFiles, stampOf } from './certificate-files.ts'

export interface CertificateOptions extends CertificateFiles {
  /** The oldest version of TLS that is spoken. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** The keys of the configuration that certificates are made of. */
type TlsKey = Extract<ConfigKey, 'TLS_CERT_FILES' | 'TLS_KEY_FILES' | 'TLS_CLIENT_CA_FILE' | 'TLS_MIN_VERSION'>

/** Their texts; what is missing has its default. */
export type TlsTexts = { readonly [Key in TlsKey]?: string | undefined }

/** `fault` tells why changed files were not taken over: a sentence a line. */
export type ReloadOutcome = { readonly changed: true } | { readonly changed: false, readonly fault?: string }

/** All that is made of one state of the files. */
interface InForce {
  readonly stamp: string
  readonly firstOptions: SecureContextOptions
  readonly first: SecureContext
  /** By whole name, in lower case. */
  readonly exact: ReadonlyMap<string, SecureContext>
  /** By what follows the `*`: `.example.com`, in lower case. */
  readonly wildcards: ReadonlyMap<string, SecureContext>
  readonly expiresAtMs: number
}

interface Usable {
  readonly pair: CertificatePair
  readonly options: SecureContextOptions
  readonly context: SecureContext
  readonly fault?: undefined
}

type Made = Usable | { readonly fault: string }

type Reading = { readonly inForce: InForce, readonly faults?: undefined } | { readonly faults: readonly string[] }

const FILE_KEYS = { cert: 'TLS_CERT_FILES', key: 'TLS_KEY_FILES', ca: 'TLS_CLIENT_CA_FILE' } as const satisfies FileKeys

/** Forward secrecy and authenticated encryption only (RFC 9325, section 4.2). Both kinds of key are served. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'
].join(':')

/** A DNS name as a certificate may carry it, with a wildcard for its first label only (RFC 9525, section 6.3). */
const DNS_NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

/** What the configuration says of certificates; undefined if it names none, and no key either. */
export function certificateOptions (texts: TlsTexts): CertificateOptions | undefined {
  const { TLS_CERT_FILES: certs = '', TLS_KEY_FILES: keys = '', TLS_CLIENT_CA_FILE: ca = '' } = texts
  if (certs === '' && keys === '') return undefined
  return {
    certFiles: listedFiles(certs),
    keyFiles: listedFiles(keys),
    ...(ca !== '' && { caFile: ca }),
    minVersion: texts.TLS_MIN_VERSION === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2'
  }
}

/** What keeps the files from being used, a sentence each. Reads all of them, blocking. */
export function certificateFaults (options: CertificateOptions): readonly string[] {
  return read(options).faults ?? []
}

/** Starts no timer: whoever wants new files taken over calls `reload` from time to time. */
export class Certificates {
  readonly #options: CertificateOptions
  #inForce: InForce

  private constructor (options: CertificateOptions, inForce: InForce) {
    this.#options = options
    this.#inForce = inForce
  }

  /** Reads all files at once, blocking. Throws an Error that lists every fault, a sentence a line. */
  static load (options: CertificateOptions): Certificates {
    const reading = read(options)
    if (reading.faults !== undefined) throw new Error(reading.faults.join('\n'))
    return new Certificates(options, reading.inForce)
  }

  /**
   * What a client that asks for `servername` (SNI, RFC 6066 section 3) is shown: the pair whose certificate names it, else one
   * with a wildcard for it (one label, RFC 9525 section 6.3), else the first pair. Among several pairs for one name the first of
   * the configuration wins, whatever its kind of key: an RSA and an ECDSA certificate for the same name do not complement each other.
   */
  contextFor (servername: string | undefined): SecureContext {
    const { first, exact, wildcards } = this.#inForce
    if (servername === undefined) return first
    const name = servername.toLowerCase()
    const firstDot = name.indexOf('.')
    return exact.get(name) ?? (firstDot > 0 ? wildcards.get(name.slice(firstDot)) : undefined) ?? first
  }

  /**
   * For `tls.createServer`, beside an `SNICallback` that asks `contextFor`: Node does not call it for a client without SNI, and
   * takes the versions of TLS from the server alone. Give them to `server.setSecureContext` after each reload that changed something:
   * only then are the TLS sessions of before void, with which a client is let in whose authority is trusted no more.
   */
  get serverOptions (): SecureContextOptions {
    return this.#inForce.firstOptions
  }

  /** When the first of the certificates in force expires, the intermediate ones included, in ms since the epoch. */
  get expiresAtMs (): number {
    return this.#inForce.expiresAtMs
  }

  /**
   * Takes changed files over, blocking; connections that are open keep what they have. Broken ones, or a new certificate whose
   * key is still the old one, change nothing: the old pairs all stay in force, and the next call tries again.
   */
  reload (): ReloadOutcome {
    if (stampOf(this.#options) === this.#inForce.stamp) return { changed: false }
    const reading = read(this.#options)
    if (reading.faults !== undefined) return { changed: false, fault: reading.faults.join('\n') }
    this.#inForce = reading.inForce
    return { changed: true }
  }
}

function read (options: CertificateOptions): Reading {
  // Before the files: what is written while they are read makes the next call read them again.
  const stamp = stampOf(options)
  const { pairs, ca, faults } = readCertificateFiles(options, FILE_KEYS)
  if (options.certFiles.length === 0 && options.keyFiles.length === 0) {
    return { faults: [...faults, `${FILE_KEYS.cert}: no certificate file is named: name at least one, and its key file in ${FILE_KEYS.key}`] }
  }
  const made = pairs.map((pair) => makeContext(pair, ca, options.minVersion))
  const unusable = made.flatMap(({ fault }) => fault ?? [])
  const usable = made.flatMap((one) => one.fault === undefined ? [one] : [])
  const [first] = usable
  if (first === undefined || faults.length > 0 || unusable.length > 0) return { faults: [...faults, ...unusable] }
  const expiries = pairs.flatMap(({ chain }) => chain).map(({ validToDate }) => validToDate.getTime())
  const expiresAtMs = Math.min(...expiries)
  return { inForce: { stamp, firstOptions: first.options, first: first.context, ...indexByName(usable), expiresAtMs } }
}

function makeContext (pair: CertificatePair, ca: readonly string[] | undefined, minVersion: CertificateOptions['minVersion']): Made {
  const options = {
    cert: pair.cert,
    key: pair.key,
    ...(ca !== undefined && { ca: [...ca] }),
    minVersion,
    ciphers: CIPHERS,
    honorCipherOrder: true
  }
  try {
    return { pair, options, context: createSecureContext(options) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { fault: `${FILE_KEYS.cert}: certificate file "${pair.certFile}" cannot be used with key file "${pair.keyFile}" (${reason}): issue both anew` }
  }
}

function indexByName (usable: readonly Usable[]): Pick<InForce, 'exact' | 'wildcards'> {
  const exact = new Map<string, SecureContext>()
  const wildcards = new Map<string, SecureContext>()
  for (const { pair, context } of usable) {
    for (const name of namesOf(pair.own)) {
      const [index, key] = name.startsWith('*') ? [wildcards, name.slice(1)] : [exact, name]
      if (!index.has(key)) index.set(key, context)
    }
  }
  return { exact, wildcards }
}

/**
 * The DNS names among the subject alternative names, in lower case; the common name does not count (RFC 9525, section 2). OpenSSL has
 * to confirm each, as it does for clients: a wildcard right below the top (`*.example`) does not hold. In the string that Node gives,
 * commas within a value are escaped.
 */
function namesOf (certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '').split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice('DNS:'.length).toLowerCase())
    .filter((name) => DNS_NAME.test(name) && certificate.checkHost(name.replace('*', 'a'), { subject: 'never' }) !== undefined)
}
