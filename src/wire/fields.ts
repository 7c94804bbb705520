/** Fields of a head or of a trailer section (RFC 9110, section 5; RFC 9112, section 5), strictly read. */
import { MessageFault } from './message-fault.ts'

/** Fields as pairs in one list: name, value, name, value. Values are latin1: one character a byte. */
export type FieldList = string[]

/** What may stand nowhere in a head: control characters but the tab, a CR or LF that is not half of a line's end. */
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const SPACE = 0x20
const TAB = 0x09

/** Names seen before, as they came, with what they are in lower case: most names come again and again. */
const knownNames = new Map<string, string>()

/** A bound on what a backend with ever new names can make us keep. */
const MAX_KNOWN_NAMES = 1_000

/** Names longer than this are not kept. */
const MAX_KNOWN_NAME_LENGTH = 64

/** Refuses characters that no head may hold; `text` ends with a complete line. */
export function assertCleanLines (text: string): void {
  if (FORBIDDEN.test(text)) throw new MessageFault('a control character or a bare CR or LF in the head')
}

/**
 * Reads the field lines of `text` from `start` up to the empty line that ends it (or its end). Names become
 * lower case. Throws for a line that folds the one before (obs-fold), has no colon, or a name that is no token.
 */
export function readFieldLines (text: string, start: number, each: (name: string, value: string) => void): void {
  let position = start
  while (position < text.length) {
    const end = text.indexOf('\r\n', position)
    if (end === -1) throw new MessageFault('a field line without an end')
    if (end === position) return
    const colon = text.indexOf(':', position)
    if (colon === -1 || colon > end) throw new MessageFault('a field line without a colon')
    each(lowerName(text.slice(position, colon)), trimmed(text, colon + 1, end))
    position = end + 2
  }
}

/** The members of a comma-separated list of tokens, in lower case, without blanks and empty ones. */
export function listMembers (value: string): string[] {
  return value.split(',').map((member) => member.trim().toLowerCase()).filter((member) => member !== '')
}

function lowerName (name: string): string {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  if (!TOKEN.test(name)) throw new MessageFault('a field name that is no token')
  const lower = name.toLowerCase()
  if (knownNames.size < MAX_KNOWN_NAMES && name.length <= MAX_KNOWN_NAME_LENGTH) knownNames.set(name, lower)
  return lower
}

/** Only blanks and tabs are trimmed (OWS): String.trim would also take a no-break space, which is a byte like any other. */
function trimmed (text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank (code: number): boolean {
  return code === SPACE || code === TAB
}
