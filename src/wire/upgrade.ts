/** The protocols that a request asks to change to (RFC 9110, section 7.8). */

/** A name, and a version perhaps. */
const PROTOCOL = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/

/**
 * HTTP/2 is not negotiated in this way any more (RFC 9113, section 3.1). A backend that still did it would speak with the client
 * past everything that the gateway checks.
 */
const NOT_OFFERED: ReadonlySet<string> = new Set(['h2', 'h2c'])

/**
 * Those of a value of Upgrade that a backend may be asked for, in order and spelling; undefined if there are none. What is no
 * protocol by its form is left out too: somebody might read HTTP/2 in it.
 */
export function offeredProtocols (upgrade: string | undefined): string | undefined {
  if (upgrade === undefined) return undefined
  const offered = upgrade.split(',').map((member) => member.trim()).filter((member) => {
    const name = PROTOCOL.exec(member)?.[1]
    return name !== undefined && !NOT_OFFERED.has(name.toLowerCase())
  })
  return offered.length === 0 ? undefined : offered.join(', ')
}

/** Whether a backend may have changed to `chosen`: only to what was offered (RFC 9110, section 7.8), in whatever version. One that does not say is believed. */
export function isOffered (chosen: string | undefined, offered: string): boolean {
  if (chosen === undefined) return true
  const names = new Set(offered.split(',').map(nameOf))
  return chosen.split(',').every((member) => names.has(nameOf(member)))
}

function nameOf (protocol: string): string {
  return (protocol.split('/')[0] ?? '').trim().toLowerCase()
}
