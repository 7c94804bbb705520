/** Fields of a head or of a trailer section (RFC 9110, section 5; RFC 9112, section 5), strictly read. */
import { MessageFault } from './message-fault.ts'

/** Fields as pairs in one list: name, value, name, value. Values are latin1: one character a byte. */
export type FieldList = string[]

/** Fields that are sent again and again: as pairs, and as the lines of HTTP/1. */
export class FieldBlock {
  readonly fields: FieldList
  readonly text: string

  constructor (fields: FieldList) {
    this.fields = fields
    // In one piece: what is put together of parts would be gathered from them anew for every request.
    this.text = Buffer.from(fieldLines(fields), 'latin1').toString('latin1')
  }
}

/** None. */
export const NO_FIELDS = new FieldBlock([])

/** Fields as lines of HTTP/1. */
export function fieldLines (fields: FieldList): string {
  let lines = ''
  for (let i = 0; i + 1 < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`
  return lines
}

/** What may stand nowhere in a head: control characters but the tab, a CR or LF that is not half of a line's end. */
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const DEL = 0x7f

/** By byte: whether it needs a look within a line: 1 for the colon, CR, LF and the control characters. */
const STANDS_OUT = Uint8Array.from({ length: 256 }, (_, byte) => Number((byte < SPACE && byte !== TAB) || byte === DEL || byte === COLON))

/** What a field means to whoever frames a message. */
export const FieldRole = { plain: 0, contentLength: 1, contentType: 2, transferEncoding: 3, connection: 4, upgrade: 5, trailer: 6, hopByHop: 7, drain: 8 } as const

export type FieldRole = typeof FieldRole[keyof typeof FieldRole]

/** Fields that end at the next hop (RFC 9110, section 7.6.1), whatever Connection says; in HTTP/2 too, where some of them may not even be. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'
])

/** By this field of an answer, with the value 1, a backend asks to be drained. It is meant for the gateway alone. */
export const DRAIN_FIELD = 'x-fastlancer-drain'

/** Field by which a trusted peer asks for an explanation, and in which it is given. */
export const EXPLAIN_FIELD = 'x-fastlancer-explain'

/** The field that says how many attempts there were. */
export const ATTEMPTS_FIELD = 'x-fastlancer-attempts'

/** What a backend may not say in the gateway's name. */
export const SAID_BY_GATEWAY: readonly string[] = [EXPLAIN_FIELD, ATTEMPTS_FIELD]

/** Whether a value of that field asks for it. */
export function asksToDrain (value: string): boolean {
  return value === '1'
}

const ROLES: ReadonlyMap<string, FieldRole> = new Map<string, FieldRole>([
  ...[...HOP_BY_HOP, ...SAID_BY_GATEWAY].map((name) => [name, FieldRole.hopByHop] as const),
  ['content-length', FieldRole.contentLength],
  ['content-type', FieldRole.contentType],
  ['transfer-encoding', FieldRole.transferEncoding],
  ['connection', FieldRole.connection],
  ['upgrade', FieldRole.upgrade],
  ['trailer', FieldRole.trailer],
  [DRAIN_FIELD, FieldRole.drain]
])

/** The name of a field, with what is worked out once for all fields of that name. */
export class FieldName {
  /** In lower case. */
  readonly lower: string
  readonly role: FieldRole
  /** One bit of 32: two names with different bits are different names. */
  readonly bit: number

  constructor (lower: string) {
    this.lower = lower
    this.role = ROLES.get(lower) ?? FieldRole.plain
    let sum = 0
    for (let i = 0; i < lower.length; i++) sum = sum * 31 + lower.charCodeAt(i) | 0
    this.bit = 1 << (sum & 31)
  }
}

/** Names seen before, as they came: most names come again and again. */
const knownNames = new Map<string, FieldName>()

/** A bound on what a backend with ever new names can make us keep. */
const MAX_KNOWN_NAMES = 1_000

/** Names longer than this are not kept. */
const MAX_KNOWN_NAME_LENGTH = 64

/** Refuses characters that no head may hold; `text` ends with a complete line. */
export function assertCleanLines (text: string): void {
  if (FORBIDDEN.test(text)) throw new MessageFault('a control character or a bare CR or LF in the head')
}

/** Who is told of fields. */
export interface FieldSink {
  field (name: FieldName, value: string): void
}

/** Lines as bytes, and as text with one character a byte: the same ones at the same places. */
export interface Lines {
  readonly bytes: Uint8Array
  readonly text: string
}

/** Lines that there are as text only, latin1. */
export function linesOf (text: string): Lines {
  return { bytes: Buffer.from(text, 'latin1'), text }
}

/** Where the line ends that begins at `start`: the place of its CR. Throws for what no line may hold, and if it does not end before `limit`. */
export function lineEnd (bytes: Uint8Array, start: number, limit: number): number {
  for (let i = start; i < limit; i++) {
    const byte = bytes[i] ?? 0
    if (STANDS_OUT[byte] === 0 || byte === COLON) continue
    if (byte === CR && bytes[i + 1] === LF && i + 1 < limit) return i
    throw new MessageFault('a control character or a bare CR or LF in the head')
  }
  throw new MessageFault('a line without an end')
}

/**
 * Reads the field lines from `start` up to the empty line that ends them, or to `limit`. Throws for a line that folds the one
 * before (obs-fold), has no colon, or a name that is no token, and for characters that no line may hold. Whether all of it
 * is ASCII.
 */
export function readFieldLines ({ bytes, text }: Lines, start: number, limit: number, sink: FieldSink): boolean {
  let position = start
  let colon = -1
  let bits = 0
  for (let i = start; i < limit; i++) {
    const byte = bytes[i] ?? 0
    bits |= byte
    if (STANDS_OUT[byte] === 0) continue
    if (byte === COLON) {
      if (colon === -1) colon = i
      continue
    }
    if (byte !== CR || bytes[i + 1] !== LF || i + 1 >= limit) throw new MessageFault('a control character or a bare CR or LF in the head')
    if (i === position) return bits < 0x80
    if (colon === -1) throw new MessageFault('a field line without a colon')
    sink.field(nameOf(text.slice(position, colon)), trimmed(bytes, text, colon + 1, i))
    colon = -1
    position = ++i + 1
  }
  if (position < limit) throw new MessageFault('a field line without an end')
  return bits < 0x80
}

/** The members of a comma-separated list of tokens, in lower case, without blanks and empty ones. */
export function listMembers (value: string): string[] {
  return value.split(',').map((member) => member.trim().toLowerCase()).filter((member) => member !== '')
}

function nameOf (name: string): FieldName {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  if (!TOKEN.test(name)) throw new MessageFault('a field name that is no token')
  if (knownNames.size >= MAX_KNOWN_NAMES || name.length > MAX_KNOWN_NAME_LENGTH) return new FieldName(name.toLowerCase())
  // A copy: what is cut out of a text keeps the whole of it.
  const own = Buffer.from(name, 'latin1').toString('latin1')
  const made = new FieldName(own.toLowerCase())
  knownNames.set(own, made)
  return made
}

/** Only blanks and tabs are trimmed (OWS): String.trim would also take a no-break space, which is a byte like any other. */
function trimmed (bytes: Uint8Array, text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(bytes[start])) start++
  while (end > start && isBlank(bytes[end - 1])) end--
  return text.slice(start, end)
}

function isBlank (byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB
}
