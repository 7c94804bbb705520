import t, { type Test } from 'tap'
import { resetConnection } from '../../src/client/reset.ts'
import type { ProbeOutcome } from '../../src/health/prober.ts'
import type { Backend } from '../../src/pool/backend.ts'
import { httpProbe } from '../../src/upstream/probe.ts'
import { until } from '../kit/until.ts'
import { type Accepted, EMPTY_ANSWER, OK, RawBackend, refusingAddress, SOCKET_OPTIONS } from './raw-backend.ts'
import { madePool } from '../pool/made-pool.ts'

interface Probed {
  readonly backend: RawBackend
  /** The backend's side of the probe's connection, the request read. */
  readonly accepted: Accepted
  readonly request: string
  readonly outcomes: readonly ProbeOutcome[]
  readonly stop: () => void
}

/** A probe that has come to its backend. */
async function probe (t: Test, path = '/health'): Promise<Probed> {
  const backend = await RawBackend.start(t)
  const outcomes: ProbeOutcome[] = []
  const stop = httpProbe(path, SOCKET_OPTIONS.tls)(backendAt(backend.address.url), (outcome) => { outcomes.push(outcome) })
  t.teardown(stop)
  const accepted = await backend.connection()
  return { backend, accepted, request: await accepted.request(), outcomes, stop }
}

function backendAt (url: string): Backend {
  const [backend] = madePool([url]).backends
  if (backend === undefined) throw new Error('a pool without its backend')
  return backend
}

/** What comes of a probe that is answered with these bytes, after which the backend ends the connection if told to. */
async function outcomeOf (t: Test, answer: string, ending?: 'fin' | 'reset'): Promise<ProbeOutcome | undefined> {
  const { accepted, outcomes } = await probe(t)
  if (ending === 'fin') accepted.sendAndEnd(answer)
  else if (ending === 'reset') accepted.socket.write(answer, 'latin1', () => resetConnection(accepted.socket))
  else accepted.send(answer)
  await until('the outcome', () => outcomes[0])
  await accepted.reader.ended
  t.equal(outcomes.length, 1, 'one outcome, and the connection has ended')
  return outcomes[0]
}

t.test('a probe is a GET of its path that says what it is', async (t) => {
  const { backend, request } = await probe(t, '/h/live?full=1')
  t.equal(request, `GET /h/live?full=1 HTTP/1.1\r\nhost: ${backend.address.authority}\r\nuser-agent: fastlancer-probe\r\n\r\n`)
})

t.test('a whole answer with status 200 is good', async (t) => {
  const good = { good: true, reason: 'answered 200' }
  for (const answer of [EMPTY_ANSWER, `${OK}content-length: 2\r\n\r\nup`, `${OK}transfer-encoding: chunked\r\n\r\n2\r\nup\r\n0\r\n\r\n`, `HTTP/1.1 103 Early Hints\r\n\r\n${EMPTY_ANSWER}`]) {
    t.strictSame(await outcomeOf(t, answer), good, JSON.stringify(answer))
  }
  t.strictSame(await outcomeOf(t, `${OK}\r\nup`, 'fin'), good, 'up to the end of the connection')
})

t.test('any other status is bad, and told', async (t) => {
  for (const status of [201, 204, 301, 304, 404, 429, 500, 503, 599]) {
    t.strictSame(await outcomeOf(t, `HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`), { good: false, reason: `answered ${status}` })
  }
})

t.test('an answer that is not whole is bad, whatever its status', async (t) => {
  const cases: ReadonlyArray<readonly [answer: string, ending: 'fin' | 'reset', reason: RegExp]> = [
    ['', 'fin', /^closed before the answer$/],
    ['', 'reset', /ECONNRESET/],
    ['HTTP/1.1 200', 'fin', /^closed in the middle of the answer$/],
    [`${OK}content-length: 5\r\n\r\nab`, 'fin', /^broke off its answer: closed in the middle of the answer$/],
    [`${OK}content-length: 5\r\n\r\nab`, 'reset', /^broke off its answer: .*ECONNRESET/],
    [`${OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n`, 'fin', /^broke off its answer: closed/]
  ]
  for (const [answer, ending, reason] of cases) t.match(await outcomeOf(t, answer, ending), { good: false, reason }, JSON.stringify([answer, ending]))
})

t.test('an answer that breaks HTTP is bad, and it is told why', async (t) => {
  const cases: ReadonlyArray<readonly [answer: string, reason: string]> = [
    ['SSH-2.0-OpenSSH_9.2\r\n', 'an answer that does not begin with HTTP/1'],
    ['HTTP/1.1 20 OK\r\n\r\n', 'a status line that is none'],
    [`${OK}content-length: x\r\n\r\n`, 'a Content-Length that is no number'],
    ['HTTP/1.1 101 x\r\nupgrade: x\r\n\r\n', 'a 101 that nobody asked for'],
    [`${OK}transfer-encoding: chunked\r\n\r\nx\r\n`, 'broke off its answer: a chunk without a size']
  ]
  for (const [answer, reason] of cases) t.strictSame(await outcomeOf(t, answer), { good: false, reason }, JSON.stringify(answer))
})

t.test('of a large answer only the beginning is read', async (t) => {
  t.strictSame(await outcomeOf(t, `${OK}content-length: 1000000000\r\n\r\n${'x'.repeat(64 * 1024 + 1)}`), { good: true, reason: 'answered 200' })
  t.strictSame(await outcomeOf(t, `HTTP/1.1 500 x\r\n\r\n${'x'.repeat(64 * 1024 + 1)}`), { good: false, reason: 'answered 500' })
})

t.test('an answer of 64 KiB is waited for', async (t) => {
  const { accepted, outcomes } = await probe(t)
  const body = 'x'.repeat(64 * 1024)
  accepted.send(`${OK}content-length: ${body.length + 1}\r\n\r\n${body}`)
  for (let i = 0; i < 50; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.strictSame(outcomes, [])
  accepted.socket.end()
  await until('the outcome', () => outcomes[0])
  t.match(outcomes, [{ good: false, reason: /^broke off/ }])
})

t.test('a connection that cannot be opened is bad', async (t) => {
  const { url } = await refusingAddress()
  const outcomes: ProbeOutcome[] = []
  httpProbe('/health', SOCKET_OPTIONS.tls)(backendAt(url), (outcome) => { outcomes.push(outcome) })
  await until('the outcome', () => outcomes[0])
  t.match(outcomes, [{ good: false, reason: /ECONNREFUSED/ }])
})

t.test('a probe that is stopped ends its connection and has no outcome', async (t) => {
  for (const answer of ['', 'HTTP/1.1 200', `${OK}content-length: 5\r\n\r\nab`]) {
    const { accepted, outcomes, stop } = await probe(t)
    accepted.send(answer)
    stop()
    await accepted.reader.ended
    stop()
    t.strictSame(outcomes, [], JSON.stringify(answer))
  }
})

t.test('a probe that is stopped before its connection is open has no outcome either', async (t) => {
  const { url } = await refusingAddress()
  const outcomes: ProbeOutcome[] = []
  httpProbe('/health', SOCKET_OPTIONS.tls)(backendAt(url), (outcome) => { outcomes.push(outcome) })()
  for (let i = 0; i < 50; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.strictSame(outcomes, [])
})

t.test('each probe opens a connection of its own', async (t) => {
  const backend = await RawBackend.start(t)
  const send = httpProbe('/health', SOCKET_OPTIONS.tls)
  for (let round = 0; round < 3; round++) {
    const outcomes: ProbeOutcome[] = []
    send(backendAt(backend.address.url), (outcome) => { outcomes.push(outcome) })
    const accepted = await backend.connection(round)
    await accepted.request()
    accepted.send(EMPTY_ANSWER)
    await accepted.reader.ended
    t.match(outcomes, [{ good: true }])
  }
})
