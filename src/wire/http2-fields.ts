/** Fields for HTTP/2 as Node sends it: some names it takes once only, whatever the other side has sent. */
import type { FieldList } from './fields.ts'

/** The names that Node's HTTP/2 takes once. */
const ONCE: ReadonlySet<string> = new Set([
  'access-control-allow-credentials', 'access-control-max-age', 'access-control-request-method', 'age', 'authorization', 'content-encoding',
  'content-language', 'content-length', 'content-location', 'content-md5', 'content-range', 'content-type', 'date', 'dnt', 'etag', 'expires',
  'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified', 'location',
  'max-forwards', 'proxy-authorization', 'range', 'referer', 'retry-after', 'tk', 'upgrade-insecure-requests', 'user-agent', 'x-content-type-options'
])

/** `fields`, names in lower case; what may come once and comes twice is put in one line, and said once if it is the same (RFC 9110, section 5.3). */
export function fieldsForHttp2 (fields: FieldList): FieldList {
  const result: FieldList = []
  const places = new Map<string, number>()
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase()
    const value = fields[i + 1] ?? ''
    const place = ONCE.has(name) ? places.get(name) : undefined
    if (place === undefined) places.set(name, result.push(name, value) - 1)
    else result[place] = joinedOnce(result[place] ?? '', value)
  }
  return result
}

function joinedOnce (before: string, value: string): string {
  return before.split(', ').includes(value) || before === value ? before : `${before}, ${value}`
}
