/** A response's head, read from a backend. */
import { type Lines, linesOf } from '../../src/wire/fields.ts'
import { readResponseHead } from '../../src/wire/response-head.ts'
import type { Subject } from './harness.ts'

const GET = { method: 'GET' }

const FEW = headOf(['Server: nginx/1.22.1', 'Date: Sun, 22 Nov 2026 10:00:00 GMT', 'Content-Type: text/plain', 'Content-Length: 13', 'Connection: keep-alive'])

const MANY = headOf([
  'Content-Type: application/json', 'Content-Length: 512', ...Array.from({ length: 18 }, (_, index) => `X-Answered-${index + 1}: the value of field ${index + 1}`)
])

export const responseHeads: readonly Subject[] = [
  { name: 'readResponseHead, 5 fields', run: () => readResponseHead(FEW, FEW.text.length, GET) },
  { name: 'readResponseHead, 20 fields', run: () => readResponseHead(MANY, MANY.text.length, GET) }
]

function headOf (lines: readonly string[]): Lines {
  return linesOf(Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n\r\n`).toString('latin1'))
}
