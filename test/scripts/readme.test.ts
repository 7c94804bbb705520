/** What the README says of errors is what the gateway answers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import * as errors from '../../src/errors.ts'
import { ROOT } from './child.ts'

/** Errors of the start or of code; no client sees them. */
const NOT_ANSWERED: ReadonlySet<string> = new Set([
  'FL_CONFIG_INVALID', 'FL_EXTENSIONS_FAILED', 'FL_LISTEN_FAILED', 'FL_POLICY_UNKNOWN', 'FL_SLOTS_EXHAUSTED', 'FL_WORKERS_FAILED', 'FL_WORKERS_UNSUPPORTED'
])

t.test('the table of errors holds every code that a client may see, with its status', async (t) => {
  const rows = readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^\| (\d{3}) \| `(FL_\w+)` \|/gm)
  const told = Object.fromEntries([...rows].map(([, status, code = '']) => [code, Number(status)]))
  const answered = Object.values(errors).map((Type) => new Type()).filter(({ code }) => !NOT_ANSWERED.has(code))
  t.strictSame(told, Object.fromEntries(answered.map(({ code, statusCode }) => [code, statusCode])))
})
