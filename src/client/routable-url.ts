/**
 * A target as the router can read it. The router refuses a path whose percent-encoding it cannot decode; a backend may know
 * what to do with it. So the router, and with it every hook, sees such a path with the offending percent signs encoded, and
 * the backend gets the target as it came. Whatever can be decoded stays as it is: no path can be disguised in this way.
 */

const NOT_ENCODING = /%(?![0-9a-f]{2})/gi
const NOT_ASCII_BYTE = /%(?=[89a-f][0-9a-f])/gi

/** `url` itself nearly always. */
export function routableUrl (url: string): string {
  if (!url.includes('%')) return url
  const end = url.search(/[?#]/)
  const path = end === -1 ? url : url.slice(0, end)
  if (isDecodable(path)) return url
  const rest = end === -1 ? '' : url.slice(end)
  const encoded = path.replaceAll(NOT_ENCODING, '%25')
  return (isDecodable(encoded) ? encoded : encoded.replaceAll(NOT_ASCII_BYTE, '%25')) + rest
}

function isDecodable (path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
