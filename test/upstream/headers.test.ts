import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import t from 'tap'
import { FieldKinds } from '../../src/client/field-kinds.ts'
import { Peer } from '../../src/client/peers.ts'
import { RequestHead } from '../../src/client/request-head.ts'
import { parseTrust } from '../../src/client/trust.ts'
import { givenRequestId, requestFields, sentFields } from '../../src/upstream/headers.ts'

const KINDS = new FieldKinds('drop')

const ID = 'req-1'

/** The client's connection. */
function peer ({ address = '192.0.2.1', isTrusted = false, isTls = false } = {}): Peer {
  const socket = new Socket()
  Object.defineProperties(socket, { remoteAddress: { value: address }, localPort: { value: 8080 }, ...(isTls && { encrypted: { value: true } }) })
  return new Peer(socket, parseTrust(isTrusted ? address : '').trust)
}

/** The head of a request as the gateway reads it. */
function head (rawHeaders: readonly string[], { method = 'GET', version = '1.1' } = {}): RequestHead {
  const raw = new IncomingMessage(new Socket())
  const [major = 1, minor = 1] = version.split('.').map(Number)
  Object.assign(raw, { method, httpVersionMajor: major, httpVersionMinor: minor, rawHeaders: [...rawHeaders] })
  return new RequestHead(raw, '/', { maxTargetBytes: 100, pathPolicy: 'strict', maxFields: 100, maxFieldBytes: 10_000, maxBodyBytes: 0, methods: new Set(['GET', 'POST']), kinds: KINDS })
}

/** Pairs are easier to read. */
function pairs (fields: readonly string[]): string[] {
  return fields.flatMap((name, index) => index % 2 === 0 ? [`${name}: ${fields[index + 1]}`] : [])
}

const HOST = ['Host', 'shop.example']

const OF_A_STRANGER = [
  'x-forwarded-for: 192.0.2.1', 'x-forwarded-proto: http', 'x-forwarded-port: 8080', 'x-forwarded-host: shop.example',
  'forwarded: for=192.0.2.1;host=shop.example;proto=http', 'via: 1.1 fastlancer', 'x-request-id: req-1'
]

/** What a proxy in front says, or a liar. */
const SAID = [
  'X-Forwarded-For', '198.51.100.7', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Port', '443', 'X-Forwarded-Host', 'bank.example',
  'Forwarded', 'for=198.51.100.7;proto=https', 'X-Request-Id', 'theirs', 'X-Real-IP', '198.51.100.7', 'X-Forwarded-Prefix', '/app'
]

t.test('the fields go on in order, spelt as they are, and the gateway\'s come behind', async (t) => {
  const kept = ['X-B', '2', 'x-a', 'caf\u00e9', 'X-B', '', 'Cookie', 'a=1', 'cookie', 'b=2']
  t.strictSame(pairs(sentFields(requestFields(head([...HOST, ...kept]), peer(), ID))), [...pairs(kept), ...OF_A_STRANGER])
})

t.test('what a stranger says of where a request came from is replaced', async (t) => {
  t.strictSame(pairs(sentFields(requestFields(head([...HOST, 'a', '1', ...SAID]), peer(), ID))), ['a: 1', ...OF_A_STRANGER])
})

t.test('what a trusted peer says is kept, and lists are extended by this hop', async (t) => {
  t.strictSame(pairs(sentFields(requestFields(head([...HOST, 'a', '1', ...SAID]), peer({ isTrusted: true }), ID))), [
    'a: 1', 'x-real-ip: 198.51.100.7', 'x-forwarded-prefix: /app',
    'x-forwarded-for: 198.51.100.7, 192.0.2.1', 'x-forwarded-proto: https', 'x-forwarded-port: 443', 'x-forwarded-host: bank.example',
    'forwarded: for=198.51.100.7;proto=https, for=192.0.2.1;proto=http', 'via: 1.1 fastlancer', 'x-request-id: req-1'
  ])
})

t.test('a trusted peer that says nothing gets what a stranger gets', async (t) => {
  t.strictSame(pairs(sentFields(requestFields(head(HOST), peer({ isTrusted: true }), ID))), OF_A_STRANGER)
})

t.test('what a trusted peer leaves out or empty the gateway says itself', async (t) => {
  const fields = requestFields(head([...HOST, 'X-Forwarded-For', '198.51.100.7', 'X-Forwarded-Proto', '', 'Forwarded', '']), peer({ isTrusted: true }), ID)
  t.strictSame(pairs(sentFields(fields)), ['x-forwarded-for: 198.51.100.7, 192.0.2.1', ...OF_A_STRANGER.slice(1)])
})

t.test('a list of a trusted peer that came in several fields goes on as one', async (t) => {
  const raw = [
    'X-Forwarded-For', '198.51.100.7', 'Forwarded', 'for=198.51.100.7', 'x-forwarded-for', '10.0.0.1, 10.0.0.2', 'forwarded', 'for=10.0.0.1, for=10.0.0.2'
  ]
  const fields = pairs(sentFields(requestFields(head([...HOST, ...raw]), peer({ isTrusted: true }), ID)))
  t.strictSame(fields.filter((field) => /^(x-forwarded-for|forwarded):/.test(field)), [
    'x-forwarded-for: 198.51.100.7, 10.0.0.1, 10.0.0.2, 192.0.2.1',
    'forwarded: for=198.51.100.7, for=10.0.0.1, for=10.0.0.2, for=192.0.2.1;proto=http'
  ])
})

t.test('a host that a trusted peer forwarded is kept even if its own request has none', async (t) => {
  const raw = ['X-Forwarded-Host', 'bank.example', 'X-Forwarded-For', '198.51.100.7']
  const fields = pairs(sentFields(requestFields(head(raw, { version: '1.0' }), peer({ isTrusted: true }), ID)))
  t.ok(fields.includes('x-forwarded-host: bank.example'), fields.join('\n'))
})

t.test('without a host there is none to forward, and none of a stranger\'s', async (t) => {
  const fields = pairs(sentFields(requestFields(head(['X-Forwarded-Host', 'bank.example'], { version: '1.0' }), peer(), ID)))
  t.strictSame(fields, [
    'x-forwarded-for: 192.0.2.1', 'x-forwarded-proto: http', 'x-forwarded-port: 8080', 'forwarded: for=192.0.2.1;proto=http', 'via: 1.0 fastlancer', 'x-request-id: req-1'
  ])
})

t.test('TLS and IPv6 of the client are told', async (t) => {
  const fields = pairs(sentFields(requestFields(head(HOST), peer({ address: '2001:db8::1', isTls: true }), ID)))
  t.ok(fields.includes('x-forwarded-for: 2001:db8::1'))
  t.ok(fields.includes('x-forwarded-proto: https'))
  t.ok(fields.includes('forwarded: for="[2001:db8::1]";host=shop.example;proto=https'))
})

t.test('an earlier Via stays, whoever sent it', async (t) => {
  for (const isTrusted of [true, false]) {
    const fields = pairs(sentFields(requestFields(head([...HOST, 'Via', '1.0 fred', 'X-Forwarded-For', '10.0.0.1']), peer({ isTrusted }), ID)))
    t.strictSame(fields.filter((field) => /^via:/i.test(field)), ['Via: 1.0 fred', 'via: 1.1 fastlancer'], String(isTrusted))
  }
})

t.test('Connection takes away nothing that the gateway adds', async (t) => {
  const raw = [...HOST, 'Connection', 'x-forwarded-for, x-forwarded-proto, x-forwarded-host, forwarded, via, x-request-id, host, x-hop', 'X-Hop', '1']
  t.strictSame(pairs(sentFields(requestFields(head(raw), peer(), ID))), OF_A_STRANGER)
})

t.test('a client that waits to be asked for its body makes the gateway wait for the backend', async (t) => {
  for (const isTrusted of [true, false]) {
    const raw = [...HOST, 'Expect', '100-Continue', 'Content-Length', '5', ...(isTrusted ? ['X-Forwarded-For', '10.0.0.1'] : [])]
    t.equal(pairs(sentFields(requestFields(head(raw, { method: 'POST' }), peer({ isTrusted }), ID))).at(-1), 'expect: 100-continue')
  }
  const withoutBody = pairs(sentFields(requestFields(head([...HOST, 'Expect', '100-continue']), peer(), ID)))
  t.notOk(withoutBody.some((field) => field.startsWith('expect')))
})

t.test('each attempt gets a list of its own', async (t) => {
  const [client, request] = [peer(), head(HOST)]
  const first = sentFields(requestFields(request, client, ID))
  first.push('spoilt', 'x')
  t.strictSame(pairs(sentFields(requestFields(request, client, 'req-2'))), [...OF_A_STRANGER.slice(0, -1), 'x-request-id: req-2'])
})

t.test('an id of a request is taken from a trusted peer alone', async (t) => {
  t.equal(givenRequestId(peer({ isTrusted: true }), 'abc-123'), 'abc-123')
  t.equal(givenRequestId(peer(), 'abc-123'), undefined)
})

t.test('an id that was not given once, or could not stand in a line of a log, is not taken', async (t) => {
  const trusted = peer({ isTrusted: true })
  for (const id of ['x', '!', '~', '{"a":1}', 'a'.repeat(128)]) t.equal(givenRequestId(trusted, id), id)
  for (const id of [undefined, '', 'a b', 'a\tb', 'a\n', 'caf\u00e9', '\u007f', 'a'.repeat(129), ['a', 'b'], ['a']]) {
    t.equal(givenRequestId(trusted, id), undefined, JSON.stringify(id))
  }
})
