/** What a message has to be on the other side of the gateway, worked out anew from the RFCs and the README, not from its code. */
import type { ExactMessage, Field } from './exact-message.ts'

/** They speak of one connection, or the gateway says them itself (RFC 9110, section 7.6.1; RFC 9440; `Host` and framing are compared apart). */
const REQUEST_ENDS: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings',
  'client-cert', 'client-cert-chain', 'host', 'content-length', 'expect', 'forwarded', 'x-request-id', 'x-real-ip'
])

const RESPONSE_ENDS: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'content-length'
])

/** What the gateway adds, in this order, behind what the client sent. */
const ADDED = [
  'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-host', 'forwarded', 'via', 'x-request-id', 'expect', 'connection', 'upgrade', 'te', 'content-length', 'transfer-encoding'
]

/** RFC 9110, section 6.5.1: fields of these names are for heads alone. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  'authorization', 'cache-control', 'connection', 'content-encoding', 'content-length', 'content-range', 'content-type', 'cookie', 'expect', 'forwarded', 'host',
  'http2-settings', 'keep-alive', 'max-forwards', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'range', 'set-cookie', 'te', 'trailer', 'transfer-encoding', 'upgrade',
  'via', 'www-authenticate', 'x-request-id', 'x-real-ip', 'client-cert', 'client-cert-chain'
])

/** A request as it has to reach a backend. */
export interface ExpectedRequest {
  readonly method: string
  readonly target: string
  /** undefined: whatever the gateway likes. */
  readonly host: string | undefined
  /** As `requestFields` gives them. */
  readonly fields: readonly Field[]
  /** As latin1. */
  readonly body: string
  readonly trailers: readonly Field[]
}

/** The fields of a request that go on, as they came. Names with "_" do so only if the gateway is told to pass them. */
export function requestFields (fields: readonly Field[], underscores: 'drop' | 'pass'): Field[] {
  const named = namedByConnection(fields)
  return fields.filter(([name]) => {
    const lower = name.toLowerCase()
    if (REQUEST_ENDS.has(lower) || lower.startsWith('x-forwarded-') || named.has(lower)) return false
    return underscores === 'pass' || !lower.includes('_')
  })
}

/** The fields of an answer that go on: names in lower case, those of one name behind the first of them. */
export function responseFields (fields: readonly Field[]): Field[] {
  const named = namedByConnection(fields)
  const kept = fields.map(([name, value]) => [name.toLowerCase(), value] as const).filter(([name]) => !RESPONSE_ENDS.has(name) && !named.has(name))
  return [...Map.groupBy(kept, ([name]) => name).values()].flat()
}

/** The trailers that go on; those of an answer whatever their names. */
export function trailerFields (trailers: readonly Field[], underscores: 'drop' | 'pass' = 'pass'): Field[] {
  return trailers.filter(([name]) => {
    const lower = name.toLowerCase()
    return !NO_TRAILERS.has(lower) && !lower.startsWith('x-forwarded-') && (underscores === 'pass' || !lower.includes('_'))
  })
}

/** Where a request at a backend is not what it has to be, a sentence each. */
export function requestFaults ({ startLine, fields, body, trailers }: ExactMessage, expected: ExpectedRequest): string[] {
  const [host, ...others] = fields
  const clients = others.slice(0, expected.fields.length)
  const added = others.slice(expected.fields.length).map(([name]) => name)
  return [
    ...difference('request line', startLine, `${expected.method} ${expected.target} HTTP/1.1`),
    ...expected.host === undefined ? difference('Host', host?.[0], 'host') : difference('Host', host, ['host', expected.host]),
    ...difference('fields', clients, expected.fields),
    // Each at most once, and nothing else.
    ...difference('fields of the gateway', added, ADDED.filter((name) => added.includes(name))),
    ...difference('body', body.toString('latin1'), expected.body),
    ...difference('trailers', trailers, expected.trailers)
  ]
}

/** What is not the same, said in one sentence; nothing if it is. */
export function difference (what: string, seen: unknown, wanted: unknown): string[] {
  const [seenText, wantedText] = [JSON.stringify(seen), JSON.stringify(wanted)]
  return seenText === wantedText ? [] : [`${what}: ${cut(seenText)} instead of ${cut(wantedText)}`]
}

/** The members of all Connection fields, in lower case. */
function namedByConnection (fields: readonly Field[]): ReadonlySet<string> {
  const lists = fields.filter(([name]) => name.toLowerCase() === 'connection').map(([, value]) => value)
  return new Set(lists.flatMap((list) => list.split(',')).map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, '').toLowerCase()))
}

function cut (text: string | undefined): string {
  return text === undefined ? 'nothing' : text.slice(0, 600)
}
