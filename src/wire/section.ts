/** Collects the lines up to the empty one that ends a head or a trailer section, split anywhere, each byte looked at once. */
import { assertCleanLines } from './fields.ts'
import { MessageFault } from './message-fault.ts'

const END = '\r\n\r\n'

export interface Section {
  /** All lines, with the empty one. */
  readonly text: string
  /** How many characters of what was added last belong to it. */
  readonly taken: number
}

export class SectionCollector {
  readonly #maxBytes: number
  readonly #parts: string[] = []
  #bytes = 0
  /** What came last, as far as it may be the beginning of the end. */
  #tail: string

  /** `before`: the end of the line before the section, if there is one. */
  constructor (maxBytes: number, before: '' | '\r\n' = '') {
    this.#maxBytes = maxBytes
    this.#tail = before
  }

  /** Adds what came; the section, if that completes it. Throws a MessageFault for what no section may hold, and beyond its size. */
  add (text: string): Section | undefined {
    const end = (this.#tail + text).indexOf(END)
    if (end === -1) {
      this.#keep(text)
      return undefined
    }
    const taken = end + END.length - this.#tail.length
    this.#parts.push(text.slice(0, taken))
    if (this.#bytes + taken > this.#maxBytes) throw this.#tooLarge()
    return { text: this.#parts.join(''), taken }
  }

  #keep (text: string): void {
    this.#bytes += text.length
    if (this.#bytes >= this.#maxBytes) throw this.#tooLarge()
    // The last byte may be half of a line's end; so may have been the one before.
    assertCleanLines((this.#tail.endsWith('\r') ? '\r' : '') + (text.endsWith('\r') ? text.slice(0, -1) : text))
    this.#parts.push(text)
    this.#tail = (this.#tail + text).slice(1 - END.length)
  }

  #tooLarge (): MessageFault {
    return new MessageFault(`a head or trailer section of more than ${this.#maxBytes} bytes`)
  }
}
