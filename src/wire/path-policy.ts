/** Finds paths that a backend may resolve to something else than what the gateway and its hooks saw. */

/** What most targets do not have at all; a query may have it too. */
const SUSPICIOUS = /\\|%(?:00|5c)|(?:^|\/|%2f)(?:\.|%2e)/i

/** An encoded NUL, a backslash, or a whole segment of one or two dots, up to its parameters. */
const AMBIGUOUS = /\\|%(?:00|5c)|(?:^|\/|%2f)(?:\.|%2e){1,2}(?:[/;#]|%2f|%3b|$)/i

/**
 * Whether the path of a request target in origin form is ambiguous: it holds `%00`, a backslash (literal or `%5c`) or a dot
 * segment (RFC 3986, section 3.3), encoded or not, with path parameters or not: `/..;a=b/`, `/a%2f%2E%2e`. Servers differ in
 * when they decode, and in what they cut off, before they resolve dot segments. Nothing behind the first `?` counts.
 */
export function isAmbiguousPath (target: string): boolean {
  return SUSPICIOUS.test(target) && hasAmbiguousPart(target)
}

function hasAmbiguousPart (target: string): boolean {
  const query = target.indexOf('?')
  return AMBIGUOUS.test(query === -1 ? target : target.slice(0, query))
}
