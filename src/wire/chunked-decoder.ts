/** Takes the chunked transfer coding off (RFC 9112, section 7.1), with nothing forgiven. */
import { type FieldList, linesOf, readFieldLines } from './fields.ts'
import { MessageFault } from './message-fault.ts'
import { SectionCollector } from './section.ts'

/** Chunk sizes of up to 2^52: no number of ours overflows. */
const MAX_SIZE_DIGITS = 13

/** Digits with leading zeros; nobody needs more. */
const MAX_WRITTEN_DIGITS = 16

/** Extensions mean nothing to us; all of a body's together may take this much, in bytes. */
const MAX_EXTENSION_BYTES = 16 * 1024

/** The trailer section, in bytes. */
const MAX_TRAILER_BYTES = 16 * 1024

const CR = 0x0d
const LF = 0x0a
const TAB = 0x09
const SPACE = 0x20
const DEL = 0x7f
const SEMICOLON = 0x3b

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILER = 6
const DONE = 7

export class ChunkedDecoder {
  /** The trailer section's fields, once it is done. */
  readonly trailers: FieldList = []
  readonly #onData: (data: Buffer) => void
  #state = SIZE
  #size = 0
  #digits = 0
  #significant = 0
  #extensionBytes = 0
  #section: SectionCollector | undefined

  constructor (onData: (data: Buffer) => void) {
    this.#onData = onData
  }

  get isDone (): boolean {
    return this.#state === DONE
  }

  /** Reads `bytes` from `start` on; where it stopped: their end, or that of the body. Throws a MessageFault. */
  execute (bytes: Buffer, start: number): number {
    let position = start
    while (position < bytes.length && this.#state !== DONE) {
      if (this.#state === DATA) position = this.#data(bytes, position)
      else if (this.#state === TRAILER) position = this.#trailer(bytes, position)
      else this.#step(bytes[position++] ?? 0)
    }
    return position
  }

  #step (byte: number): void {
    switch (this.#state) {
      case SIZE: return this.#sizeByte(byte)
      case EXTENSION: return this.#extensionByte(byte)
      case SIZE_LF:
        if (byte !== LF) throw new MessageFault('a chunk size whose line does not end with CR and LF')
        this.#state = this.#size === 0 ? TRAILER : DATA
        return
      case DATA_CR:
        if (byte !== CR) throw new MessageFault('a chunk that is not followed by CR and LF')
        this.#state = DATA_LF
        return
      default:
        if (byte !== LF) throw new MessageFault('a chunk that is not followed by CR and LF')
        this.#state = SIZE
        this.#size = this.#digits = this.#significant = 0
    }
  }

  #sizeByte (byte: number): void {
    const digit = hexDigit(byte)
    if (digit !== -1) {
      this.#digits++
      if (this.#significant > 0 || digit > 0) this.#significant++
      this.#size = this.#size * 16 + digit
      if (this.#significant > MAX_SIZE_DIGITS || this.#digits > MAX_WRITTEN_DIGITS) throw new MessageFault('a chunk size that is too large')
      return
    }
    if (this.#digits === 0) throw new MessageFault('a chunk without a size')
    if (byte === CR) this.#state = SIZE_LF
    else if (byte === SEMICOLON) this.#state = EXTENSION
    else throw new MessageFault('a chunk size that is no hexadecimal number')
  }

  #extensionByte (byte: number): void {
    if (byte === CR) {
      this.#state = SIZE_LF
      return
    }
    if ((byte < SPACE && byte !== TAB) || byte === DEL) throw new MessageFault('a control character in a chunk extension')
    if (++this.#extensionBytes > MAX_EXTENSION_BYTES) throw new MessageFault('too many chunk extensions')
  }

  #data (bytes: Buffer, position: number): number {
    const end = Math.min(bytes.length, position + this.#size)
    this.#size -= end - position
    if (this.#size === 0) this.#state = DATA_CR
    this.#onData(position === 0 && end === bytes.length ? bytes : bytes.subarray(position, end))
    return end
  }

  #trailer (bytes: Buffer, position: number): number {
    this.#section ??= new SectionCollector(MAX_TRAILER_BYTES, '\r\n')
    const section = this.#section.add(bytes.toString('latin1', position, Math.min(bytes.length, position + MAX_TRAILER_BYTES)))
    if (section === undefined) return bytes.length
    readFieldLines(linesOf(section.text), 0, section.text.length, { field: ({ lower }, value) => { this.trailers.push(lower, value) } })
    this.#state = DONE
    return position + section.taken
  }
}

function hexDigit (byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
