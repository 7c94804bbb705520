import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { Client } from 'undici'
import {
  UpstreamConnectFailedError, UpstreamConnectTimeoutError, UpstreamHeadersTimeoutError, UpstreamIdleTimeoutError, UpstreamResetError
} from '../../src/errors.ts'
import { describeCause, nameFailure, type Progress } from '../../src/upstream/failure.ts'
import { portOf } from '../kit/port.ts'

const NOT_SENT: Progress = { sent: false, headCame: false }
const SENT: Progress = { sent: true, headCame: false }

/** An error as Node and undici make them. */
function errorWith (code: string, message = code): Error {
  return Object.assign(new Error(message), { code })
}

/** How undici fails when a backend answers with these bytes and ends the connection, and how far it had come. */
async function failureOf (t: Test, answer: string): Promise<{ cause: Error, progress: Progress }> {
  const backend = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer, 'latin1'))
  })
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const client = new Client(`http://127.0.0.1:${portOf(backend)}`)
  t.teardown(async () => {
    await client.destroy()
    backend.close()
    await once(backend, 'close')
  })
  let headCame = false
  return await new Promise((resolve, reject) => {
    client.dispatch({ path: '/', method: 'GET' }, {
      onRequestStart () {},
      onResponseStart (_controller, statusCode) { headCame ||= statusCode >= 200 },
      onResponseData () {},
      onResponseEnd () { reject(new Error('the answer was taken for a whole one')) },
      onResponseError: (_controller, cause) => resolve({ cause, progress: { sent: true, headCame } })
    })
  })
}

t.test('whatever went wrong before the request was sent, the connection could not be opened', async (t) => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UND_ERR_SOCKET', '']) {
    const cause = errorWith(code)
    const failure = nameFailure(cause, NOT_SENT)
    t.match(failure.error, { code: 'FL_UPSTREAM_CONNECT_FAILED', statusCode: 502 }, code)
    t.equal(failure.error.cause, cause)
    t.match(failure, { sent: false, isBackendsFault: true, connectionEnded: false })
  }
})

t.test('a connection that ends after the request was sent is a reset', async (t) => {
  for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET', '']) {
    const cause = errorWith(code)
    const failure = nameFailure(cause, SENT)
    t.match(failure.error, { code: 'FL_UPSTREAM_RESET', statusCode: 502 }, code)
    t.equal(failure.error.cause, cause)
    t.match(failure, { sent: true, isBackendsFault: true, connectionEnded: true })
  }
})

t.test('an answer that ends too early is a reset', async (t) => {
  const answers = {
    'before its first byte': '',
    'within its status line': 'HTTP/1.1 20',
    'within its headers': 'HTTP/1.1 200 OK\r\nX-A: b',
    'behind its headers': 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n',
    'within a body of known length': 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab',
    'within a body of known length, though it said that it would close': 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nab',
    'within a chunk': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab',
    'between two chunks': 'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n'
  }
  for (const [where, answer] of Object.entries(answers)) {
    const { cause, progress } = await failureOf(t, answer)
    t.match(nameFailure(cause, progress), { error: { code: 'FL_UPSTREAM_RESET', statusCode: 502 }, sent: true, connectionEnded: true }, where)
  }
})

t.test('an answer that breaks HTTP is a bad response, which does not count as an ended connection', async (t) => {
  const answers = {
    'no HTTP at all': 'nonsense\r\n\r\n',
    'no status': 'HTTP/1.1 xx OK\r\n\r\n',
    'a header without a colon': 'HTTP/1.1 200 OK\r\nBad Header\r\n\r\n',
    'a header with a NUL': 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n',
    'a head without an end': `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(64 * 1024)}`,
    'a length that is no number': 'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    'a chunk without a size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'another protocol that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    'another protocol without its name': 'HTTP/1.1 101 Switching Protocols\r\n\r\n'
  }
  for (const [what, answer] of Object.entries(answers)) {
    const { cause, progress } = await failureOf(t, answer)
    const failure = nameFailure(cause, progress)
    t.match(failure.error, { code: 'FL_UPSTREAM_BAD_RESPONSE', statusCode: 502 }, what)
    t.equal(failure.error.cause, cause)
    t.match(failure, { sent: true, isBackendsFault: true, connectionEnded: false })
  }
})

t.test('a body of another length than its head said is a cut one', async (t) => {
  const failure = nameFailure(errorWith('UND_ERR_RES_CONTENT_LENGTH_MISMATCH'), { ...SENT, headCame: true })
  t.match(failure, { error: { code: 'FL_UPSTREAM_RESET' }, connectionEnded: true })
})

t.test('an error of ours passes as it is', async (t) => {
  const cases = [
    { error: new UpstreamConnectTimeoutError(5), progress: NOT_SENT, statusCode: 504, connectionEnded: false },
    { error: new UpstreamHeadersTimeoutError(5), progress: SENT, statusCode: 504, connectionEnded: false },
    { error: new UpstreamIdleTimeoutError(5), progress: { ...SENT, headCame: true }, statusCode: 504, connectionEnded: false },
    { error: new UpstreamResetError(), progress: { ...SENT, headCame: true }, statusCode: 502, connectionEnded: true }
  ]
  for (const { error, progress, statusCode, connectionEnded } of cases) {
    const failure = nameFailure(error, progress)
    t.equal(failure.error, error, error.code)
    t.match(failure, { error: { statusCode }, sent: progress.sent, isBackendsFault: true, connectionEnded }, error.code)
  }
})

t.test('a connection closed before it was open could not be opened', async (t) => {
  const failure = nameFailure(new UpstreamConnectFailedError(), NOT_SENT)
  t.match(failure, { error: { code: 'FL_UPSTREAM_CONNECT_FAILED' }, sent: false, isBackendsFault: true, connectionEnded: false })
})

t.test('a request that undici does not want to send is not the fault of the backend, and is told why', async (t) => {
  for (const code of ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']) {
    const cause = errorWith(code, 'duplicate host header')
    const failure = nameFailure(cause, NOT_SENT)
    t.match(failure.error, { code: 'FL_REQUEST_NOT_FORWARDABLE', statusCode: 400, message: /duplicate host header/ }, code)
    t.equal(failure.error.cause, cause)
    t.match(failure, { sent: false, isBackendsFault: false, connectionEnded: false })
  }
})

t.test('what happened is described by the cause, with its code once', async (t) => {
  const wrapped = new UpstreamResetError()
  wrapped.cause = errorWith('UND_ERR_SOCKET', 'other side closed')
  const refused = new UpstreamConnectFailedError()
  refused.cause = errorWith('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1')
  t.equal(describeCause(wrapped), 'UND_ERR_SOCKET: other side closed')
  t.equal(describeCause(refused), 'connect ECONNREFUSED 127.0.0.1:1')
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
