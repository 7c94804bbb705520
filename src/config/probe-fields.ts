/**
 * Reads HEALTH_HEADERS: fields as `name: value`, separated by `;`. A `;` within a value is written twice:
 * `authorization: Bearer x; accept: text/html;;q=0.9`.
 */
import { type FieldList, HOP_BY_HOP } from '../wire/fields.ts'

/** A list that can be used has no faults. */
export interface ProbeFields {
  /** In the order given, names in lower case. */
  readonly fields: FieldList
  /** What is wrong, a sentence an entry. Values are not repeated: some are secrets. */
  readonly faults: readonly string[]
}

/** What frames a message, or is said by another key. */
const OURS: ReadonlyMap<string, string> = new Map([
  ['host', 'is said by HEALTH_HOST'],
  ['content-length', 'frames the message'],
  ['expect', 'frames the message']
])

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Printable ASCII and tabs. */
const VALUE = /^[\t\x20-\x7e]*$/

/** Parses `text`. Blank entries (a trailing semicolon) are passed over. */
export function parseProbeFields (text: string): ProbeFields {
  const fields: FieldList = []
  const faults: string[] = []
  const seen = new Set<string>()
  const entries = (text.match(/(?:[^;]|;;)+/g) ?? []).map((entry) => entry.replaceAll(';;', ';').trim()).filter((entry) => entry !== '')
  for (const [index, entry] of entries.entries()) {
    const colon = entry.indexOf(':')
    const name = entry.slice(0, Math.max(colon, 0)).toLowerCase()
    const value = entry.slice(colon + 1).trim()
    const fault = TOKEN.test(name) ? faultOf(name, value, seen) : `field ${index + 1} is not "name: value": write a ";" within a value twice`
    seen.add(name)
    if (fault === undefined) fields.push(name, value)
    else faults.push(`HEALTH_HEADERS: ${fault}`)
  }
  return { fields, faults }
}

function faultOf (name: string, value: string, seen: ReadonlySet<string>): string | undefined {
  if (HOP_BY_HOP.has(name)) return `"${name}" belongs to the connection, which is the gateway's: leave it out`
  const reason = OURS.get(name)
  if (reason !== undefined) return `"${name}" ${reason}: leave it out`
  if (seen.has(name)) return `"${name}" is there twice: put its values into one, with a comma between them`
  return VALUE.test(value) ? undefined : `the value of "${name}" holds a character that is not printable ASCII: leave it out`
}
