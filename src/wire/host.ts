/** Whether a Host can be believed to name one host (RFC 9110, section 7.2; RFC 3986, section 3.2.2). */
import { isIPv6 } from 'node:net'

const MAX_PORT = 65_535

/** A name of letters or an IPv4 address, and a port that is in range whatever its digits: nearly every Host there is. */
const USUAL = /^[\w.~-]+(?::[0-5]?\d{0,4})?$/

/** An IP-literal or anything else without a colon, and a port that may be empty. */
const HOST_AND_PORT = /^(\[[^[\]]*\]|[^[\]:]+)(?::(\d*))?$/

/** reg-name without the comma. An IPv4 address is one as well, so that nothing is lost on one with too large numbers. */
const REG_NAME = /^(?:[\w.~!$&'()*+;=-]|%[\da-f]{2})+$/i

/** Most requests are for the host of the one before. */
let lastValid: string | undefined

const IP_FUTURE = /^v[\da-f]+\.[\w.~!$&'()*+;=:-]+$/i

/**
 * Whether `text` is `uri-host [ ":" [ port ] ]`, with a host that is not empty and a port up to 65535. Stricter than the RFC in
 * one point: a comma is refused, because two Host fields that someone joined look like that. A user and an IPv6 zone are refused.
 */
export function isValidHost (text: string): boolean {
  if (text === lastValid) return true
  if (!USUAL.test(text) && !isUnusualHost(text)) return false
  lastValid = text
  return true
}

function isUnusualHost (text: string): boolean {
  const match = HOST_AND_PORT.exec(text)
  const host = match?.[1]
  if (host === undefined || Number(match?.[2] ?? '') > MAX_PORT) return false
  return host.startsWith('[') ? isAddressLiteral(host.slice(1, -1)) : REG_NAME.test(host)
}

function isAddressLiteral (text: string): boolean {
  return (isIPv6(text) && !text.includes('%')) || IP_FUTURE.test(text)
}
