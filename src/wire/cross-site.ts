/**
 * Whether a request may come from a page that a browser got elsewhere. For listeners that know no users: a page of any site can have a
 * browser send requests to this machine (Origin, RFC 6454, section 7), also by letting its own name point here (DNS rebinding).
 */
import { isIP } from 'node:net'
import { isValidHost } from './host.ts'

export interface AskedWith {
  readonly host?: string | undefined
  readonly origin?: string | undefined
}

/** The one name that no site can let point anywhere. */
const OWN_NAME = 'localhost'

/** What speaks against the request, as the end of a sentence about it; undefined if nothing does. */
export function crossSiteReason ({ host = '', origin }: AskedWith): string | undefined {
  const reason = foreignNameReason(host)
  if (reason !== undefined) return reason
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) return `comes from a page of another site (Origin: ${origin}): ask without a browser`
  return undefined
}

/** What speaks against this Host, whoever the request comes from: it is a name that may belong to anybody. */
export function foreignNameReason (host = ''): string | undefined {
  const name = isValidHost(host) ? host.replace(/:\d*$/, '').toLowerCase() : ''
  const isOwn = name === OWN_NAME || isIP(name.startsWith('[') ? name.slice(1, -1) : name) !== 0
  return isOwn ? undefined : `was sent to the host "${host}": ask by address, or as ${OWN_NAME}`
}

/** Whether what listens there can be reached from this machine alone. */
export function isLoopback (address: string): boolean {
  return address === OWN_NAME || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
}
