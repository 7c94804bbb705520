import t from 'tap'
import {
  ConfigInvalidError, NoBackendAvailableError, RequestTimeoutError, UpstreamBadResponseError, UpstreamConnectFailedError, UpstreamConnectTimeoutError,
  UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError, UpstreamRefusedError, UpstreamResetError
} from '../../src/errors.ts'
import { causedBy, describeCause, failureOf, isOurs, requestTimeout, statusFailure, StreamReset } from '../../src/upstream/failure.ts'
import { responseHead } from '../wire/made-head.ts'

/** An error as Node makes them. */
function errorWith (code: string, message = code): Error {
  return Object.assign(new Error(message), { code })
}

/** Every way in which an attempt can fail. */
const OURS = [
  { error: new UpstreamBadResponseError(), statusCode: 502, connectionEnded: false },
  { error: new UpstreamConnectFailedError(), statusCode: 502, connectionEnded: false },
  { error: new UpstreamConnectTimeoutError(5), statusCode: 504, connectionEnded: false },
  { error: new UpstreamHeadersTimeoutError(5), statusCode: 504, connectionEnded: false },
  { error: new UpstreamIdleTimeoutError(5), statusCode: 504, connectionEnded: false },
  { error: new UpstreamRefusedError(), statusCode: 502, connectionEnded: true },
  { error: new UpstreamResetError(), statusCode: 502, connectionEnded: true }
]

t.test('an error of ours passes as it is, and says whether the backend ended the connection', async (t) => {
  for (const { error, statusCode, connectionEnded } of OURS) {
    const failure = failureOf(error, false)
    t.equal(failure.error, error, error.code)
    t.match(failure, { error: { statusCode }, sent: false, connectionEnded }, error.code)
  }
})

t.test('what was on its way may have been acted on, unless the backend refused to look at it', async (t) => {
  for (const { error } of OURS) t.equal(failureOf(error, true).sent, error.code !== 'FL_UPSTREAM_REFUSED', error.code)
})

t.test('any other error of a connection is a reset that has it as its cause', async (t) => {
  for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED', '']) {
    for (const sent of [true, false]) {
      const cause = errorWith(code)
      const failure = failureOf(cause, sent)
      t.match(failure, { error: { code: 'FL_UPSTREAM_RESET', statusCode: 502 }, sent, connectionEnded: true }, code)
      t.equal(failure.error.cause, cause)
    }
  }
})

t.test('a stream that was reset is a reset, but the backend has not ended the connection', async (t) => {
  const failure = failureOf(causedBy(new UpstreamResetError(), new StreamReset('reset')), true)
  t.match(failure, { error: { code: 'FL_UPSTREAM_RESET' }, sent: true, connectionEnded: false })
})

t.test('an error that says nothing of an attempt is none of those', async (t) => {
  for (const { error } of OURS) t.ok(isOurs(error), error.code)
  for (const error of [new Error('x'), errorWith('FL_UPSTREAM_RESET'), new NoBackendAvailableError('a'), new RequestTimeoutError(5), new ConfigInvalidError('x')]) {
    t.notOk(isOurs(error), String(error))
  }
})

t.test('an error is given its cause, if there is one', async (t) => {
  const [error, cause] = [new UpstreamResetError(), errorWith('ECONNRESET')]
  t.equal(causedBy(error, cause), error)
  t.equal(error.cause, cause)
  causedBy(error, undefined)
  t.equal(error.cause, cause)
})

t.test('a status that cannot be relayed is a bad response, and is told', async (t) => {
  const error = statusFailure(responseHead('HTTP/1.1 999 x\r\n\r\n'))
  t.match(error, { code: 'FL_UPSTREAM_BAD_RESPONSE', cause: { message: /\b999\b/ } })
  t.ok(isOurs(error))
})

t.test('a request that takes too long is the client\'s fault as long as its body is still to come', async (t) => {
  t.match(requestTimeout(true, 5), { statusCode: 408, code: 'FL_CLIENT_TIMEOUT', message: /REQUEST_TIMEOUT_MS: 5 ms/ })
  t.match(requestTimeout(false, 5), { statusCode: 504, code: 'FL_REQUEST_TIMEOUT', message: /5 ms/ })
})

t.test('what happened is described by the cause, with its code once', async (t) => {
  t.equal(describeCause(causedBy(new UpstreamResetError(), errorWith('EPIPE', 'broken pipe'))), 'EPIPE: broken pipe')
  t.equal(describeCause(causedBy(new UpstreamConnectFailedError(), errorWith('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'))), 'connect ECONNREFUSED 127.0.0.1:1')
})

t.test('an error without a cause describes itself', async (t) => {
  t.equal(describeCause(new Error('broken')), 'broken')
  t.equal(describeCause(new UpstreamHeadersTimeoutError(5)),
    'FL_UPSTREAM_HEADERS_TIMEOUT: The backend did not start to answer within 5 ms (UPSTREAM_HEADERS_TIMEOUT_MS)')
})

t.test('an error without a message is described by its name', async (t) => {
  t.equal(describeCause(new TypeError('')), 'TypeError')
  // As Node tells of a name whose addresses all refused.
  t.equal(describeCause(Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })), 'ECONNREFUSED: AggregateError')
})
