/** What of a message's head crosses the gateway (RFC 9110, section 7.6.1), and what the gateway adds. */
import type { RawRequest } from './client-side.ts'

/** Headers as pairs in one list: name, value, name, value. */
export type HeaderList = string[]

/** Fields that end at the gateway, whatever Connection says. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection',
  'te', 'trailer', 'transfer-encoding', 'upgrade'
])

/** Request fields that are not copied: they end here, or the gateway writes them anew. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP, 'expect', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'
])

/** The lengths of those names: a name of another length need not be looked up. */
const NOT_COPIED_LENGTHS: readonly boolean[] = lengthsOf(NOT_COPIED)

/** Fields that a Connection header cannot take away: without them the message would mean something else. */
const KEPT_FROM_CONNECTION: ReadonlySet<string> = new Set(['content-length', 'host'])

export interface HeaderRules {
  /** The client's address, for X-Forwarded-For. */
  readonly client: string
  /** Takes the place of the client's Host. */
  readonly host: string | undefined
  /** Whether the body is the one that Content-Length speaks of. */
  readonly keepLength: boolean
}

/** The head of the request as the backend gets it: order, spelling and repeated fields as the client sent them. */
export function requestHeaders (request: RawRequest, { client, host: hostOverride, keepLength }: HeaderRules): HeaderList {
  const raw = request.rawHeaders
  const named = namedByConnection(request.headers.connection)
  const headers: HeaderList = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    if (NOT_COPIED_LENGTHS[name.length] === true && NOT_COPIED.has(name.toLowerCase())) continue
    if (named?.has(name.toLowerCase()) === true) continue
    if (hostOverride !== undefined && name.toLowerCase() === 'host') continue
    if (!keepLength && name.toLowerCase() === 'content-length') continue
    headers.push(name, raw[i + 1] ?? '')
  }
  const host = hostOverride ?? request.headers.host
  if (hostOverride !== undefined) headers.push('host', hostOverride)
  headers.push('x-forwarded-for', forwardedFor(request, client), 'x-forwarded-proto', 'http')
  if (host !== undefined) headers.push('x-forwarded-host', host)
  return headers
}

/** The names of an answer's fields that do not go on to the client: the usual ones, and those that its Connection names. */
export function responseFieldsToDrop (connection: string | string[] | undefined): ReadonlySet<string> {
  const named = namedByConnection(Array.isArray(connection) ? connection.join(',') : connection)
  return named === undefined ? HOP_BY_HOP : new Set([...HOP_BY_HOP, ...named])
}

/** The fields that Connection names as meant for this hop only; undefined if it names none. */
function namedByConnection (connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  const names = connection.split(',').map((name) => name.trim().toLowerCase())
  return new Set(names.filter((name) => !KEPT_FROM_CONNECTION.has(name)))
}

function forwardedFor (request: RawRequest, client: string): string {
  const before = request.headers['x-forwarded-for']
  if (before === undefined) return client
  return `${Array.isArray(before) ? before.join(', ') : before}, ${client}`
}

/** The client's address; an IPv4 client of a dual-stack listener is written as IPv4. */
export function clientAddress (request: RawRequest): string {
  const address = request.socket.remoteAddress ?? 'unknown'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

function lengthsOf (names: ReadonlySet<string>): boolean[] {
  const lengths: boolean[] = []
  for (const name of names) lengths[name.length] = true
  return Array.from(lengths, (known) => known ?? false)
}
