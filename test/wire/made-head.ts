/** A head that a test has as text. */
import { linesOf } from '../../src/wire/fields.ts'
import { readResponseHead, type ResponseHead } from '../../src/wire/response-head.ts'

/** `text` is all of it, with its empty line; latin1. */
export function responseHead (text: string, method = 'GET'): ResponseHead {
  return readResponseHead(linesOf(text), text.length, { method })
}
