/**
 * Reads BACKENDS: a comma-separated list of origins, each with what is said of it behind a space:
 * `http://a:8081 weight=2 backup max=100 probe=http://a:9000/healthz`.
 */

/** An entry; what is not said is not set. */
export interface ListedBackend {
  /** The origin, normalised: `http://host:port`, default ports left out. */
  readonly url: string
  readonly weight?: number
  readonly priority?: number
  /** Most attempts in flight. */
  readonly maxInFlight?: number
  /** Where its probe goes instead: an origin, normalised, and behind it the path if one is given. */
  readonly probe?: string
}

/** A list that can be used has no faults. */
export interface BackendList {
  /** In the order given. */
  readonly backends: readonly ListedBackend[]
  /** What is wrong, a sentence an entry. */
  readonly faults: readonly string[]
}

/** What may be said of a backend: the bounds of its number, and what it sets. */
const PARAMETERS: ReadonlyMap<string, { readonly key: 'weight' | 'priority' | 'maxInFlight', readonly minimum: number, readonly maximum: number }> = new Map([
  ['weight', { key: 'weight', minimum: 1, maximum: 1_000 }],
  ['priority', { key: 'priority', minimum: 0, maximum: 100 }],
  ['max', { key: 'maxInFlight', minimum: 1, maximum: 1_000_000 }]
] as const)

/** What else may be said: a URL. */
const PROBE = 'probe'

const PROBE_PATH = /^\/[\x21-\x7e]*$/

/** A word for the usual second group. */
const BACKUP = 'backup'
const BACKUP_PRIORITY = 1

/** Parses `text`. Blank entries (a trailing comma) are passed over; nothing left is a fault. */
export function parseBackendList (text: string): BackendList {
  const backends: ListedBackend[] = []
  const faults: string[] = []
  for (const entry of text.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const [first = '', ...words] = entry.split(/\s+/)
    const read = readOrigin(first)
    if (read.fault !== undefined) {
      faults.push(`BACKENDS: "${redact(first)}" ${read.fault}`)
      continue
    }
    const { origin } = read
    const { parameters, faults: ofWords } = readParameters(words)
    if (backends.some(({ url }) => url === origin)) faults.push(`BACKENDS: "${first}" is listed twice: name each backend once`)
    else if (ofWords.length === 0) backends.push({ url: origin, ...parameters })
    faults.push(...ofWords.map((fault) => `BACKENDS: "${first}" ${fault}`))
  }
  if (backends.length === 0 && faults.length === 0) {
    faults.push('BACKENDS: the list is empty: name at least one backend, such as http://127.0.0.1:8081')
  }
  return { backends, faults }
}

type Parameters = Omit<ListedBackend, 'url'>

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

function readParameters (words: readonly string[]): { readonly parameters: Parameters, readonly faults: readonly string[] } {
  const parameters: Writable<Parameters> = {}
  const faults: string[] = []
  for (const word of words.map((one) => one === BACKUP ? `priority=${BACKUP_PRIORITY}` : one)) {
    const [, name = '', value = ''] = /^([a-z]+)=(.*)$/.exec(word) ?? []
    const key = name === PROBE ? PROBE : PARAMETERS.get(name)?.key
    if (key !== undefined && key in parameters) faults.push(`has ${name} twice: say it once`)
    else if (name === PROBE) {
      const { url, fault } = readProbe(value)
      if (url === undefined) faults.push(`has ${redact(word)}: its URL ${fault}`)
      else parameters.probe = url
    } else {
      const fault = readNumber(name, value, word, parameters)
      if (fault !== undefined) faults.push(fault)
    }
  }
  return { parameters, faults }
}

/** Reads a parameter that is a number into `parameters`; what is wrong with it, if it cannot. */
function readNumber (name: string, value: string, word: string, parameters: Writable<Parameters>): string | undefined {
  const parameter = PARAMETERS.get(name)
  if (parameter === undefined) {
    const known = [...PARAMETERS.keys()].map((key) => `${key}=NUMBER`).join(', ')
    return `is followed by "${redact(word)}": it can be ${known}, ${PROBE}=URL or ${BACKUP}, and the next backend stands behind a comma`
  }
  const { key, minimum, maximum } = parameter
  const number = /^[0-9]+$/.test(value) ? Number(value) : NaN
  if (!(number >= minimum && number <= maximum)) return `has ${redact(word)}: it has to be a whole number from ${minimum} to ${maximum}`
  parameters[key] = number
  return undefined
}

type ReadUrl = { readonly url: string, readonly fault?: undefined } | { readonly url?: undefined, readonly fault: string }

/** A URL of a probe. Its path and query go out as they are written here. */
function readProbe (text: string): ReadUrl {
  const [, beginning = '', path = ''] = /^([a-z0-9]+:\/\/[^/?#]*)(.*)$/i.exec(text) ?? []
  const read = readOrigin(beginning)
  if (read.fault !== undefined) return { fault: read.fault }
  if (path !== '' && !PROBE_PATH.test(path)) return { fault: 'has a path that does not start with "/", or is not printable ASCII: give one such as /health' }
  if (path.includes('#')) return { fault: 'has a fragment, which is never sent: leave it out' }
  return { url: `${read.origin}${path}` }
}

type ReadOrigin = { origin: string, fault?: undefined } | { fault: string }

function readOrigin (entry: string): ReadOrigin {
  const scheme = /^(https?|h2c?):\/\/[^/]/i.exec(entry)?.[1]?.toLowerCase()
  if (scheme === undefined) return { fault: 'is not a URL of a backend: start it with http:// or https:// (h2c:// or h2:// for HTTP/2)' }
  if (entry.includes('\\')) return { fault: 'holds a backslash: give an origin such as http://127.0.0.1:8081' }
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

/** What was given for a backend, fit to be shown: a password in a URL belongs into no log, and into no answer. */
export function redact (entry: string): string {
  const end = entry.lastIndexOf('@')
  if (end === -1) return entry
  return `${/^[a-z][a-z0-9]*:\/\//i.exec(entry)?.[0] ?? ''}***${entry.slice(end)}`
}
