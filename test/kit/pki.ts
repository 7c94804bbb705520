/** Certificates to throw away: authorities, and what they issue, made with the openssl command. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface IssueOptions {
  /** The common name, by which tests tell certificates apart; names of servers go into `dnsNames`. */
  readonly name: string
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Whether it stands for a client instead of a server. */
  readonly client?: boolean
  /** Default: 2. */
  readonly days?: number
  /** The length of an RSA key in bits. Default: an EC key (P-256), which takes far less time to make. */
  readonly rsaBits?: number
}

export interface PairFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** The files, and what they hold. */
export interface Issued extends PairFiles {
  readonly name: string
  /** PEM: the certificate, then those of the authorities between it and the root. */
  readonly cert: string
  /** PEM. */
  readonly key: string
}

/** Where the openssl command is missing, tests that need certificates are skipped. */
export function hasOpenssl (): boolean {
  return spawnSync('openssl', ['version']).status === 0
}

/** A root authority. Its files, and those of everything that it issues, are written to `dir`, which has to be there. */
export function makeCa (dir: string, name: string): Ca {
  const files = filesFor(dir, name)
  openssl([
    'req', '-x509', ...newKey(files), '-out', files.certFile, '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'keyUsage=critical,keyCertSign,cRLSign'
  ])
  return new Ca(dir, { name, ...files, ...contentsOf(files) }, '')
}

export class Ca {
  readonly certFile: string
  /** PEM: what those who trust this authority are given. */
  readonly cert: string
  readonly #dir: string
  readonly #own: Issued
  /** PEM: this authority and those above it, the root left out. */
  readonly #chain: string

  constructor (dir: string, own: Issued, chain: string) {
    this.certFile = own.certFile
    this.cert = own.cert
    this.#dir = dir
    this.#own = own
    this.#chain = chain
  }

  /** A certificate for a server or a client. */
  issue (options: IssueOptions): Issued {
    const names = [
      ...(options.dnsNames ?? []).map((dnsName) => `DNS:${dnsName}`),
      ...(options.ipAddresses ?? []).map((address) => `IP:${address}`)
    ]
    return this.#sign(options, [
      'basicConstraints=CA:FALSE',
      'keyUsage=digitalSignature',
      `extendedKeyUsage=${options.client === true ? 'clientAuth' : 'serverAuth'}`,
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : [])
    ])
  }

  /** An authority below this one. What it issues comes with the chain up to the root. */
  subordinate (name: string): Ca {
    const own = this.#sign({ name }, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'])
    return new Ca(this.#dir, own, own.cert)
  }

  #sign ({ name, rsaBits, days = 2 }: IssueOptions, extensions: readonly string[]): Issued {
    const files = filesFor(this.#dir, name)
    const [request, extensionsFile] = [`${files.certFile}.csr`, `${files.certFile}.ext`]
    openssl(['req', ...newKey(files, rsaBits), '-out', request, '-subj', `/CN=${name}`])
    writeFileSync(extensionsFile, `${extensions.join('\n')}\n`)
    openssl([
      'x509', '-req', '-in', request, '-CA', this.#own.certFile, '-CAkey', this.#own.keyFile, '-set_serial', String(++made),
      '-days', String(days), '-sha256', '-extfile', extensionsFile, '-out', files.certFile
    ])
    if (this.#chain !== '') writeFileSync(files.certFile, this.#chain, { flag: 'a' })
    return { name, ...files, ...contentsOf(files) }
  }
}

/** Counts certificates, so that files and serial numbers differ. */
let made = 0

function filesFor (dir: string, name: string): PairFiles {
  const stem = join(dir, `${++made}-${name.replaceAll(/[^\w.-]/g, '_')}`)
  return { certFile: `${stem}.pem`, keyFile: `${stem}.key` }
}

function contentsOf ({ certFile, keyFile }: PairFiles): { readonly cert: string, readonly key: string } {
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}

function newKey ({ keyFile }: PairFiles, rsaBits?: number): string[] {
  const kind = rsaBits === undefined ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : [`rsa:${rsaBits}`]
  return ['-newkey', ...kind, '-nodes', '-keyout', keyFile]
}

function openssl (args: readonly string[]): void {
  const { status, error, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl ${args.join(' ')} failed: ${error?.message ?? stderr}`)
}
