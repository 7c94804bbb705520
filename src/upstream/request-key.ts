/** What a request is keyed by (HASH_KEY), for policies that send the same key to the same backend. */
import type { IncomingHttpHeaders } from 'node:http'
import { parseCookie } from 'cookie'
import type { ClientRequest } from '../client/client-side.ts'
import { hashText } from '../pool/hash.ts'
import type { RequestKey } from './selection.ts'

const TWO_POWER_32 = 2 ** 32

/** The key that `source` (HASH_KEY) names; a request that has none is as good as any other, and gets a random one. */
export function requestKey (source: string, random: () => number = Math.random): RequestKey {
  const read = reader(source)
  return (request) => {
    const key = read(request)
    return key === undefined || key === '' ? Math.floor(random() * TWO_POWER_32) : hashText(key)
  }
}

function reader (source: string): (request: ClientRequest) => string | undefined {
  const colon = source.indexOf(':')
  const kind = colon === -1 ? source : source.slice(0, colon)
  const name = source.slice(colon + 1)
  switch (kind) {
    case 'header': return ({ raw }) => header(raw.headers, name.toLowerCase())
    case 'cookie': return ({ raw }) => parseCookie(raw.headers.cookie ?? '')[name]
    case 'query': return ({ head }) => queryParameter(head.target, name)
    case 'path': return ({ head }) => pathOf(head.target)
    default: return ({ peer, head }) => peer.clientOf(head.forwarding)
  }
}

function header (headers: IncomingHttpHeaders, name: string): string | undefined {
  // The object has `constructor` and the like of its own accord.
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return value === undefined || typeof value === 'string' ? value : value.join(', ')
}

function pathOf (target: string): string {
  const end = target.indexOf('?')
  return end === -1 ? target : target.slice(0, end)
}

function queryParameter (target: string, name: string): string | undefined {
  const begin = target.indexOf('?')
  return begin === -1 ? undefined : new URLSearchParams(target.slice(begin + 1)).get(name) ?? undefined
}
