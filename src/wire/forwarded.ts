/** Writes the gateway's element of Forwarded (RFC 7239). */
import { isIP } from 'node:net'

/** What the gateway knows of a request's way to it. Texts are field values as an HTTP parser lets them in: no control characters. */
export interface ForwardedParts {
  /** IP address of whoever sent the request; anything else is written as `unknown`. */
  readonly client: string
  /** The scheme that the request came with. */
  readonly proto: string
  /** The Host that the request came with; undefined leaves it out. */
  readonly host: string | undefined
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

const TO_ESCAPE = /["\\]/

/** One forwarded-element (RFC 7239, section 4), such as `for=192.0.2.1;host=example.com;proto=http`. */
export function forwardedElement ({ client, proto, host }: ForwardedParts): string {
  const hostPair = host === undefined ? '' : `;host=${fieldValue(host)}`
  return `for=${nodeName(client)}${hostPair};proto=${fieldValue(proto)}`
}

/** RFC 7239, section 6. Its IPv6 addresses have no zone. */
function nodeName (client: string): string {
  const family = isIP(client)
  if (family === 4) return client
  if (family === 0) return 'unknown'
  const zone = client.indexOf('%')
  return `"[${zone === -1 ? client : client.slice(0, zone)}]"`
}

/** A token as it is, anything else as a quoted-string (RFC 9110, section 5.6.4). */
function fieldValue (text: string): string {
  if (TOKEN.test(text)) return text
  return `"${TO_ESCAPE.test(text) ? text.replaceAll(/["\\]/g, String.raw`\$&`) : text}"`
}
