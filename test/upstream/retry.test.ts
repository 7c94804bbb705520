import { METHODS } from 'node:http'
import t from 'tap'
import { decideRetry, type FailedAttempt, isIdempotent, type RetryDecision } from '../../src/upstream/retry.ts'

/** An attempt that failed after a GET had been sent over a new connection that the backend then ended. */
const SENT_GET: FailedAttempt = { mayRepeat: true, sent: true, onUsedConnection: false, connectionEnded: true, canReplay: true }

function decisions (cases: ReadonlyArray<readonly [string, Partial<FailedAttempt>, RetryDecision]>): void {
  for (const [name, attempt, decision] of cases) {
    t.test(name, async (t) => { t.equal(decideRetry({ ...SENT_GET, ...attempt }), decision) })
  }
}

decisions([
  ['a request of which nothing was sent goes to another backend', { sent: false }, 'other-backend'],
  ['so does one whose method is not idempotent', { sent: false, mayRepeat: false }, 'other-backend'],
  ['so does one that found its used connection no use, though the backend had not ended it', { sent: false, mayRepeat: false, onUsedConnection: true, connectionEnded: false }, 'other-backend'],
  ['it is tried at the same backend when that had closed a used connection, whatever its method', { sent: false, mayRepeat: false, onUsedConnection: true }, 'same-backend'],
  ['so does one whose backend was too slow to connect', { sent: false, mayRepeat: false, connectionEnded: false }, 'other-backend'],
  ['a request of which nothing was sent is not tried again when its body is gone', { sent: false, canReplay: false }, 'no'],

  ['an idempotent request that was sent goes to another backend', {}, 'other-backend'],
  ['so does one that the backend was too slow for, or answered with rubbish', { connectionEnded: false }, 'other-backend'],
  ['so does one that came to be too slow on a used connection', { connectionEnded: false, onUsedConnection: true }, 'other-backend'],
  ['an idempotent request is tried at the same backend when that closed a used connection', { onUsedConnection: true }, 'same-backend'],
  ['an idempotent request is not tried again when its body is gone', { canReplay: false }, 'no'],
  ['nor is it over a used connection', { canReplay: false, onUsedConnection: true }, 'no'],

  ['a request that was sent and is not idempotent is not tried again', { mayRepeat: false }, 'no'],
  ['nor is it when the backend closed a used connection', { mayRepeat: false, onUsedConnection: true }, 'no'],
  ['nor is it when the backend was too slow', { mayRepeat: false, connectionEnded: false }, 'no']
])

t.test('neither a method that nobody knows is idempotent, nor one in lower case: methods are case-sensitive', async (t) => {
  t.strictSame(['FROBNICATE', 'get', 'POST', 'PATCH'].filter(isIdempotent), [])
})

t.test('these methods of those that Node parses are idempotent, and no other', async (t) => {
  t.strictSame(METHODS.filter(isIdempotent), [
    'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'PUT', 'QUERY', 'REPORT', 'SEARCH', 'TRACE'
  ])
})
