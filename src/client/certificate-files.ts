/** Reads the certificate and key files of one side of TLS, and finds whatever is wrong with them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'

export interface CertificateFiles {
  /** PEM files: the own certificate first, then the intermediate ones, if any. */
  readonly certFiles: readonly string[]
  /** PEM files without a passphrase, in the order of their certificates. */
  readonly keyFiles: readonly string[]
  /** A PEM file with the authorities that vouch for the other side. */
  readonly caFile?: string | undefined
}

/** The keys of the configuration that name the files: each fault begins with the one that it is about. */
export interface FileKeys {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** A certificate that stands for the gateway, and the key that belongs to it. */
export interface CertificatePair {
  readonly certFile: string
  readonly keyFile: string
  readonly own: X509Certificate
  /** `own`, and the intermediate certificates that follow it. */
  readonly chain: readonly X509Certificate[]
  /** The chain in PEM. */
  readonly cert: string
  /** In PEM. */
  readonly key: string
}

export interface FilesReading {
  /** In the order of the files; those with a fault are left out. */
  readonly pairs: readonly CertificatePair[]
  /** PEM certificates of the authorities. */
  readonly ca: readonly string[] | undefined
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[]
}

interface KeyReading {
  readonly pem: string
  readonly key: KeyObject
}

const PEM_BEGIN = '-----BEGIN CERTIFICATE-----'
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads every file, also after a fault, so that all faults show at once. Throws nothing. */
export function readCertificateFiles ({ certFiles, keyFiles, caFile }: CertificateFiles, names: FileKeys): FilesReading {
  const faults: string[] = []
  const chains = certFiles.map((file) => readCertificates(`${names.cert}: certificate file "${file}"`, file, faults))
  const keys = keyFiles.map((file) => readKey(`${names.key}: key file "${file}"`, file, faults))
  const ca = caFile === undefined ? undefined : readCertificates(`${names.ca}: CA file "${caFile}"`, caFile, faults)
  if (certFiles.length !== keyFiles.length) {
    faults.push(`${names.cert} and ${names.key} belong together (certificate files: ${certFiles.length}, key files: ${keyFiles.length}): ` +
      'name one key file for each certificate file, in the same order')
  }
  const pairs = certFiles.length === keyFiles.length ? pairUp({ certFiles, keyFiles, chains, keys, name: names.key }, faults) : []
  return { pairs, ca: ca?.map(String), faults }
}

/** The files of a comma-separated list, in its order. */
export function listedFiles (list: string): string[] {
  return list.split(',').map((file) => file.trim()).filter((file) => file !== '')
}

/**
 * Changes whenever one of the files is replaced or written to, as far as the file system tells (inode, size, modification time);
 * links are followed. A file that is not there counts too. Throws nothing.
 */
export function stampOf ({ certFiles, keyFiles, caFile }: CertificateFiles): string {
  const files = [...certFiles, ...keyFiles, ...(caFile === undefined ? [] : [caFile])]
  return files.map((file) => {
    try {
      const { dev, ino, size, mtimeNs } = statSync(file, { bigint: true })
      return [dev, ino, size, mtimeNs].join(':')
    } catch {
      return 'none'
    }
  }).join(' ')
}

/** As many of each, in the same order; `name` is the key of the configuration that names the key files. */
interface Unpaired extends CertificateFiles {
  readonly chains: ReadonlyArray<readonly X509Certificate[]>
  readonly keys: ReadonlyArray<KeyReading | undefined>
  readonly name: string
}

function pairUp ({ certFiles, keyFiles, chains, keys, name }: Unpaired, faults: string[]): CertificatePair[] {
  return chains.flatMap((chain, index) => {
    const [own] = chain
    const [certFile, keyFile, key] = [certFiles[index], keyFiles[index], keys[index]]
    if (own === undefined || key === undefined || certFile === undefined || keyFile === undefined) return []
    if (own.checkPrivateKey(key.key)) return [{ certFile, keyFile, own, chain, cert: chain.join(''), key: key.pem }]
    faults.push(`${name}: key file "${keyFile}" does not match the certificate in "${certFile}": ` +
      'name the key files in the order of their certificate files, and put the own certificate first in its file')
    return []
  })
}

/** Empty after a fault. */
function readCertificates (what: string, file: string, faults: string[]): X509Certificate[] {
  const text = readText(what, file, faults)
  if (text === undefined) return []
  const blocks = text.match(PEM_CERTIFICATE) ?? []
  // A file that is still being written may end within a certificate: the whole ones before it do not make a chain.
  if (blocks.length === 0 || blocks.length !== text.split(PEM_BEGIN).length - 1) {
    faults.push(`${what} is not in PEM, or is cut short: give whole certificates, each from ${PEM_BEGIN} to its end line`)
    return []
  }
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    faults.push(`${what} holds a certificate that cannot be read (${reasonOf(error)}): write the file anew`)
    return []
  }
}

function readKey (what: string, file: string, faults: string[]): KeyReading | undefined {
  const pem = readText(what, file, faults)
  if (pem === undefined) return undefined
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    faults.push(`${what} is protected by a passphrase: store the key without one, readable for this user alone`)
    return undefined
  }
  try {
    return { pem, key: createPrivateKey(pem) }
  } catch {
    faults.push(`${what} holds no whole private key in PEM: give one that starts with -----BEGIN PRIVATE KEY-----`)
    return undefined
  }
}

function readText (what: string, file: string, faults: string[]): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    faults.push(`${what} cannot be read (${reasonOf(error)}): give the path of a file that is there and that this user may read`)
    return undefined
  }
}

function reasonOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
