/** Reads BACKENDS: a comma-separated list of origins. */

/** A list that can be used has no faults. */
export interface BackendList {
  /** Normalised origins (`http://host:port`, default ports left out), in the order given. */
  readonly origins: readonly string[]
  /** What is wrong, a sentence an entry. */
  readonly faults: readonly string[]
}

/** Parses `text`. Blank entries (a trailing comma) are passed over; nothing left is a fault. */
export function parseBackendList (text: string): BackendList {
  const origins: string[] = []
  const faults: string[] = []
  for (const entry of text.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const read = readOrigin(entry)
    if (read.fault !== undefined) faults.push(`BACKENDS: "${redact(entry)}" ${read.fault}`)
    else if (origins.includes(read.origin)) faults.push(`BACKENDS: "${entry}" is listed twice: name each backend once`)
    else origins.push(read.origin)
  }
  if (origins.length === 0 && faults.length === 0) {
    faults.push('BACKENDS: the list is empty: name at least one backend, such as http://127.0.0.1:8081')
  }
  return { origins, faults }
}

type ReadOrigin = { origin: string, fault?: undefined } | { fault: string }

function readOrigin (entry: string): ReadOrigin {
  const scheme = /^(https?|h2c?):\/\/[^/]/i.exec(entry)?.[1]?.toLowerCase()
  if (scheme === undefined) return { fault: 'is not a URL of a backend: start it with http:// or https:// (h2c:// or h2:// for HTTP/2)' }
  if (/[\s\\]/.test(entry)) return { fault: 'holds a space or a backslash: give an origin such as http://127.0.0.1:8081' }
  let url: URL
  try {
    // The URL standard knows nothing of our schemes, and leaves their parts unread.
    url = new URL(entry.replace(/^h2c:/i, 'http:').replace(/^h2:/i, 'https:'))
  } catch {
    return { fault: 'is not a valid URL: give an origin such as http://127.0.0.1:8081, with a port from 1 to 65535' }
  }
  if (url.port === '0') return { fault: 'has port 0: give a port from 1 to 65535' }
  if (url.username !== '' || url.password !== '') return { fault: 'carries a user or a password: leave them out' }
  if (url.pathname !== '/' || /[?#]/.test(entry)) {
    return { fault: 'has a path, a query or a fragment: paths are forwarded as the client sent them, give the origin alone' }
  }
  return { origin: `${scheme}://${url.host}` }
}

/** A password in a URL does not belong into a log. */
function redact (entry: string): string {
  const end = entry.lastIndexOf('@')
  if (end === -1) return entry
  return `${/^[a-z][a-z0-9]*:\/\//i.exec(entry)?.[0] ?? ''}***${entry.slice(end)}`
}
