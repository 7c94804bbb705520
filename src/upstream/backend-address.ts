/** What a backend's URL says: where it is, and what is spoken there. */

export interface BackendAddress {
  /** The URL as the backend carries it. */
  readonly url: string
  /** A name or an address, an IPv6 one without brackets. */
  readonly hostname: string
  readonly port: number
  /** Host and port as in a Host field. */
  readonly authority: string
  readonly isTls: boolean
  readonly protocol: 'http/1.1' | 'h2'
}

/** Schemes of BACKENDS: `h2c` is HTTP/2 without TLS (prior knowledge), `h2` with it. */
const SCHEMES: ReadonlyMap<string, Pick<BackendAddress, 'isTls' | 'protocol'>> = new Map([
  ['http', { isTls: false, protocol: 'http/1.1' }],
  ['https', { isTls: true, protocol: 'http/1.1' }],
  ['h2c', { isTls: false, protocol: 'h2' }],
  ['h2', { isTls: true, protocol: 'h2' }]
])

/** Reads an origin that the configuration has accepted; throws a TypeError for anything else. */
export function backendAddress (url: string): BackendAddress {
  const scheme = url.slice(0, url.indexOf(':'))
  const kind = SCHEMES.get(scheme)
  if (kind === undefined) throw new TypeError(`Not a backend's URL: ${url}`)
  const { hostname, port, host } = new URL(`${kind.isTls ? 'https' : 'http'}${url.slice(scheme.length)}`)
  return {
    url,
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? defaultPort(kind.isTls) : Number(port),
    authority: host,
    ...kind
  }
}

function defaultPort (isTls: boolean): number {
  return isTls ? 443 : 80
}
