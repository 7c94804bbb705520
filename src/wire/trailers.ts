/** Which trailers go on (RFC 9110, section 6.5.1): none that would change how the message is framed, routed or trusted, or is for the gateway alone. */
import { DRAIN_FIELD, type FieldList, SAID_BY_GATEWAY } from './fields.ts'

const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'authorization', 'cache-control', 'connection', 'content-encoding', 'content-length', 'content-range', 'content-type', 'cookie', 'expect', 'forwarded', 'host',
  'http2-settings', 'keep-alive', 'max-forwards', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'range', 'set-cookie', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'via', 'www-authenticate', 'x-request-id', 'x-real-ip', 'client-cert', 'client-cert-chain', DRAIN_FIELD, ...SAID_BY_GATEWAY
])

/** `fields` without those that have an underscore in their names. */
export function withoutUnderscores (fields: FieldList): FieldList {
  return fields.filter((_, i) => !(fields[i - (i % 2)] ?? '').includes('_'))
}

/** `trailers` without those that do not go on; names as they are. */
export function relayedTrailers (trailers: readonly string[]): FieldList {
  const kept: FieldList = []
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const name = (trailers[i] ?? '').toLowerCase()
    if (NOT_IN_TRAILERS.has(name) || name.startsWith('x-forwarded-') || name.startsWith(':')) continue
    kept.push(trailers[i] ?? '', trailers[i + 1] ?? '')
  }
  return kept
}
