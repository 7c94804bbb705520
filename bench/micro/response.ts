/** A response's head, read from a backend. */
import { parseResponseHead } from '../../src/wire/response-head.ts'
import type { Subject } from './harness.ts'

const GET = { method: 'GET' }

const FEW = headOf(['Server: nginx/1.22.1', 'Date: Sun, 22 Nov 2026 10:00:00 GMT', 'Content-Type: text/plain', 'Content-Length: 13', 'Connection: keep-alive'])

const MANY = headOf([
  'Content-Type: application/json', 'Content-Length: 512', ...Array.from({ length: 18 }, (_, index) => `X-Answered-${index + 1}: the value of field ${index + 1}`)
])

export const responseHeads: readonly Subject[] = [
  { name: 'parseResponseHead, 5 fields', run: () => parseResponseHead(FEW, GET) },
  { name: 'parseResponseHead, 20 fields', run: () => parseResponseHead(MANY, GET) }
]

function headOf (lines: readonly string[]): string {
  return `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n\r\n`
}
