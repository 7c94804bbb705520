/** Probes that ask: what is sent, and which answers are good. */
import t, { type Test } from 'tap'
import { resetConnection } from '../../src/client/reset.ts'
import type { ProbeOutcome } from '../../src/health/prober.ts'
import type { Backend } from '../../src/pool/backend.ts'
import { backendProbe } from '../../src/upstream/probe.ts'
import { type ProbeSettings, probeSettings } from '../../src/upstream/probe-settings.ts'
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

const SETTINGS = probeSettings({
  HEALTH_PROTOCOL: 'auto', HEALTH_METHOD: 'GET', HEALTH_PATH: '/health', HEALTH_HOST: '', HEALTH_HEADERS: '', HEALTH_STATUSES: '200', HEALTH_BODY: '', HEALTH_GRPC_SERVICE: '',
  DRAIN_BY_ANSWER: 'on'
})

const send = backendProbe(SETTINGS, SOCKET_OPTIONS.tls)

/** A probe that has come to its backend. */
async function probe (t: Test, settings: Partial<ProbeSettings> = {}): Promise<Probed> {
  const backend = await RawBackend.start(t)
  const outcomes: ProbeOutcome[] = []
  const stop = backendProbe({ ...SETTINGS, ...settings }, SOCKET_OPTIONS.tls)(backendAt(backend.address.url), (outcome) => { outcomes.push(outcome) })
  t.teardown(stop)
  const accepted = await backend.connection()
  return { backend, accepted, request: await accepted.request(), outcomes, stop }
}

function backendAt (url: string, place?: string): Backend {
  const [backend] = madePool([], { backends: [{ url, ...(place !== undefined && { probe: place }) }] }).backends
  if (backend === undefined) throw new Error('a pool without its backend')
  return backend
}

/** What comes of a probe that is answered with these bytes, after which the backend ends the connection if told to. */
async function outcomeOf (t: Test, answer: string, ending?: 'fin' | 'reset', settings: Partial<ProbeSettings> = {}): Promise<ProbeOutcome | undefined> {
  const { accepted, outcomes } = await probe(t, settings)
  if (ending === 'fin') accepted.sendAndEnd(answer)
  else if (ending === 'reset') accepted.socket.write(answer, 'latin1', () => resetConnection(accepted.socket))
  else accepted.send(answer)
  await until('the outcome', () => outcomes[0])
  await accepted.reader.ended
  t.equal(outcomes.length, 1, 'one outcome, and the connection has ended')
  return outcomes[0]
}

t.test('a probe is a GET of its path that says what it is', async (t) => {
  const { backend, request } = await probe(t, { path: '/h/live?full=1' })
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
  send(backendAt(url), (outcome) => { outcomes.push(outcome) })
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
  send(backendAt(url), (outcome) => { outcomes.push(outcome) })()
  for (let i = 0; i < 50; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.strictSame(outcomes, [])
})

t.test('each probe opens a connection of its own', async (t) => {
  const backend = await RawBackend.start(t)
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

t.test('method, host and fields are those of the settings, and a POST says that it has no body', async (t) => {
  const fields = ['user-agent', 'me', 'authorization', 'Bearer x']
  for (const [method, framing] of [['HEAD', ''], ['OPTIONS', ''], ['POST', 'content-length: 0\r\n']] as const) {
    const { request } = await probe(t, { method, host: 'shop.example:81', fields })
    t.equal(request, `${method} /health HTTP/1.1\r\nhost: shop.example:81\r\nuser-agent: me\r\nauthorization: Bearer x\r\n${framing}\r\n`)
  }
})

t.test('the statuses of the settings are good, and no other', async (t) => {
  for (const [status, good] of [[200, false], [204, true], [503, true], [404, false]] as const) {
    t.strictSame(await outcomeOf(t, `HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`, undefined, { statuses: [204, 503] }), { good, reason: `answered ${status}` })
  }
})

t.test('an answer to HEAD is whole with its head', async (t) => {
  t.strictSame(await outcomeOf(t, `${OK}content-length: 1000\r\n\r\n`, undefined, { method: 'HEAD' }), { good: true, reason: 'answered 200' })
})

t.test('the body has to contain the text of the settings, wherever it stands, byte for byte', async (t) => {
  const bodyText = 'st\u00e4tus: ok'
  const chunks = (...parts: string[]): string => `${OK}transfer-encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`
  const bytes = Buffer.from(bodyText).toString('latin1')
  const good = [chunks(bytes), chunks(`{"${bytes}"}`), chunks(bytes.slice(0, 4), bytes.slice(4)), `${OK}content-length: ${bytes.length}\r\n\r\n${bytes}`]
  for (const answer of good) t.strictSame(await outcomeOf(t, answer, undefined, { bodyText }), { good: true, reason: 'answered 200' }, answer)
  for (const body of ['', 'status: ok', 'ST\u00c4TUS: OK', bodyText]) {
    t.strictSame(await outcomeOf(t, `${OK}content-length: ${body.length}\r\n\r\n${body}`, undefined, { bodyText }), { good: false, reason: 'answered 200, without the text of HEALTH_BODY' }, body)
  }
  t.strictSame(await outcomeOf(t, `HTTP/1.1 500 x\r\ncontent-length: ${bytes.length}\r\n\r\n${bytes}`, undefined, { bodyText }), { good: false, reason: 'answered 500' })
})

t.test('a text is looked for in the first 64 KiB, to the byte', async (t) => {
  const limit = 64 * 1024
  for (const [before, good] of [[limit - 2, true], [limit - 1, false]] as const) {
    const body = `${'x'.repeat(before)}ok${'x'.repeat(limit)}`
    const outcome = await outcomeOf(t, `${OK}content-length: 1000000\r\n\r\n${body}`, undefined, { bodyText: 'ok' })
    t.equal(outcome?.good, good, `behind ${before} bytes`)
  }
})

t.test('an answer that asks for draining says so, whatever its status; one that is not whole does not', async (t) => {
  const field = 'x-fastlancer-drain: 1\r\n'
  for (const [status, good] of [[200, true], [503, false]] as const) {
    t.strictSame(await outcomeOf(t, `HTTP/1.1 ${status} x\r\n${field}content-length: 0\r\n\r\n`), { good, reason: `answered ${status}`, drains: true })
  }
  t.match(await outcomeOf(t, `${OK}${field}content-length: 5\r\n\r\nab`, 'fin'), { good: false, drains: undefined })
})

t.test('the probe of a backend goes where the backend has it: to another port, on its own path if it has one', async (t) => {
  for (const [path, target] of [['', '/health'], ['/', '/'], ['/deep?x=1', '/deep?x=1']] as const) {
    const place = await RawBackend.start(t)
    const outcomes: ProbeOutcome[] = []
    const { url } = await refusingAddress()
    send(backendAt(url, `${place.address.url}${path}`), (outcome) => { outcomes.push(outcome) })
    const accepted = await place.connection()
    t.equal(await accepted.request(), `GET ${target} HTTP/1.1\r\nhost: ${place.address.authority}\r\nuser-agent: fastlancer-probe\r\n\r\n`)
    accepted.send(EMPTY_ANSWER)
    await until('the outcome', () => outcomes[0])
    t.match(outcomes, [{ good: true }])
  }
})

t.test('a probe over TCP is good when its connection opens, asks nothing, and closes it', async (t) => {
  const backend = await RawBackend.start(t)
  const outcomes: ProbeOutcome[] = []
  backendProbe({ ...SETTINGS, protocol: 'tcp' }, SOCKET_OPTIONS.tls)(backendAt(backend.address.url), (outcome) => { outcomes.push(outcome) })
  await until('the outcome', () => outcomes[0])
  const accepted = await backend.connection()
  await accepted.reader.ended
  t.strictSame(outcomes, [{ good: true, reason: 'the connection opened' }])
  t.equal(accepted.socket.bytesRead, 0)
})

t.test('a probe over TCP is bad when its connection does not open, and has no outcome when it is stopped', async (t) => {
  const { url } = await refusingAddress()
  const outcomes: ProbeOutcome[] = []
  const open = backendProbe({ ...SETTINGS, protocol: 'tcp' }, SOCKET_OPTIONS.tls)
  open(backendAt(url), (outcome) => { outcomes.push(outcome) })
  await until('the outcome', () => outcomes[0])
  t.match(outcomes, [{ good: false, reason: /ECONNREFUSED/ }])
  open(backendAt(url), (outcome) => { outcomes.push(outcome) })()
  for (let i = 0; i < 50; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.equal(outcomes.length, 1)
})
