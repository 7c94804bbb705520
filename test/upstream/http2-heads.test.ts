/** Heads of HTTP/2, to a backend and from it. */
import { Readable } from 'node:stream'
import t from 'tap'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { backendAddress } from '../../src/upstream/backend-address.ts'
import { OWN_REQUEST, type UpstreamRequest } from '../../src/upstream/carrier.ts'
import { http2RequestHead, http2ResponseHead } from '../../src/upstream/http2-heads.ts'
import { RequestBody } from '../../src/upstream/request-body.ts'
import { MessageFault } from '../../src/wire/message-fault.ts'

const REQUEST: UpstreamRequest = { ...OWN_REQUEST, method: 'GET', target: '/', host: 'shop.example' }

const PSEUDO = [':method', 'GET', ':scheme', 'http', ':authority', 'shop.example', ':path', '/']

function headOf (request: Partial<UpstreamRequest>, url = 'h2c://backend:8081'): readonly string[] {
  return http2RequestHead({ ...REQUEST, ...request }, backendAddress(url))
}

/** What follows the pseudo-fields. */
function fieldsOf (request: Partial<UpstreamRequest>): readonly string[] {
  return headOf(request).slice(PSEUDO.length)
}

function streamed (length: number | undefined): RequestBody {
  return new RequestBody({
    source: Readable.from([]),
    length,
    maxBytes: 0,
    mayCollect: true,
    timeouts: new TimeoutQueue(1_000),
    trailers: () => [],
    owner: { bodyRead () {}, bodyBroken () {}, bodyTooLarge () {}, bodyStalled () {} }
  })
}

t.test('the pseudo-fields come first, byte for byte', async (t) => {
  t.strictSame(headOf({}), PSEUDO)
  t.strictSame(headOf({ method: 'PROPFIND', target: '/a%2Fb?x=%zz&y=\xe9', host: 'Shop.example:81', fields: ['a', 'b'] }), [
    ':method', 'PROPFIND', ':scheme', 'http', ':authority', 'Shop.example:81', ':path', '/a%2Fb?x=%zz&y=\xe9', 'a', 'b'
  ])
  t.strictSame(headOf({ method: 'OPTIONS', target: '*' }).slice(-2), [':path', '*'])
})

t.test('scheme and authority are those of the backend where the client has given none', async (t) => {
  t.strictSame(headOf({ host: undefined }, 'h2://backend').slice(2, 6), [':scheme', 'https', ':authority', 'backend'])
  t.strictSame(headOf({ host: undefined }, 'h2c://[::1]:8081').slice(2, 6), [':scheme', 'http', ':authority', '[::1]:8081'])
  t.strictSame(headOf({ host: 'a' }, 'h2://backend').slice(2, 6), [':scheme', 'https', ':authority', 'a'])
})

t.test('names are in lower case, values and order are kept, repeated ones stay apart', async (t) => {
  t.strictSame(fieldsOf({ fields: ['X-B', '2', 'x-a', 'caf\xe9', 'X-B', '', 'Cookie', 'a=1; b=2'] }), ['x-b', '2', 'x-a', 'caf\xe9', 'x-b', '', 'cookie', 'a=1; b=2'])
})

t.test('the length of a body goes with it where it is known, and trailers are welcome where they are', async (t) => {
  t.strictSame(fieldsOf({ body: Buffer.from('caf\u00e9') }), ['content-length', '5'])
  t.strictSame(fieldsOf({ body: Buffer.alloc(0) }), ['content-length', '0'])
  t.strictSame(fieldsOf({ body: streamed(70_000) }), ['content-length', '70000'])
  t.strictSame(fieldsOf({ body: streamed(undefined) }), [])
  t.strictSame(fieldsOf({ wantsTrailers: true }), ['te', 'trailers'])
})

t.test('a change of protocols has no place here', async (t) => {
  t.strictSame(headOf({ upgrade: 'websocket' }), PSEUDO)
})

t.test('an answer: status and fields, in order', async (t) => {
  const head = http2ResponseHead([':status', '201', 'server', 'me', 'set-cookie', 'b=2', 'content-type', 'text/plain', 'set-cookie', 'a=1', 'x-latin', 'caf\xe9'], 'GET', false)
  t.strictSame(head, {
    statusCode: 201,
    statusText: '',
    fields: ['server', 'me', 'set-cookie', 'b=2', 'content-type', 'text/plain', 'set-cookie', 'a=1', 'x-latin', 'caf\xe9'],
    isAscii: false,
    hasRepeats: true,
    contentType: 'text/plain',
    framing: 'chunked',
    contentLength: -1,
    keepsConnection: true,
    upgrade: undefined,
    trailer: undefined,
    drains: false
  })
})

t.test('a backend asks to be drained with the value 1 of a field that does not go on, whatever its value', async (t) => {
  for (const [value, drains] of [['1', true], ['0', false], ['', false], ['true', false]] as const) {
    const head = http2ResponseHead([':status', '503', 'x-fastlancer-drain', value, 'a', '1'], 'GET', true)
    t.match(head, { drains, fields: ['a', '1'] }, value)
  }
})

t.test('fields of connections and pseudo-fields are left out', async (t) => {
  const raw = [':status', '200', 'connection', 'close', 'keep-alive', 'x', 'proxy-connection', 'x', 'transfer-encoding', 'chunked', 'upgrade', 'h2c', 'http2-settings', 'x', 'te', 'x', 'proxy-authenticate', 'x', 'proxy-authorization', 'x', ':other', 'x', 'a', '1']
  const { fields, hasRepeats, upgrade, framing } = http2ResponseHead(raw, 'GET', false)
  t.strictSame([fields, hasRepeats, upgrade, framing], [['a', '1'], false, undefined, 'chunked'])
})

const FRAMINGS: ReadonlyArray<readonly [raw: readonly string[], method: string, isWhole: boolean, framing: string, length: number]> = [
  [[':status', '200'], 'GET', false, 'chunked', -1],
  [[':status', '200', 'content-length', '7'], 'GET', false, 'length', 7],
  [[':status', '200', 'content-length', '7'], 'HEAD', true, 'none', 7],
  [[':status', '200', 'content-length', '7'], 'HEAD', false, 'none', 7],
  [[':status', '200'], 'GET', true, 'none', -1],
  [[':status', '200', 'content-length', '0'], 'POST', true, 'none', 0],
  [[':status', '204'], 'GET', false, 'none', -1],
  [[':status', '304', 'content-length', '7'], 'GET', false, 'none', 7],
  [[':status', '103'], 'GET', false, 'none', -1]
]

t.test('how the body is framed follows from method, status and length', async (t) => {
  for (const [raw, method, isWhole, framing, length] of FRAMINGS) {
    const head = http2ResponseHead(raw, method, isWhole)
    t.strictSame([head.framing, head.contentLength], [framing, length], `${method} ${raw.join(' ')} ${isWhole}`)
  }
})

t.test('an answer that can have no length has none', async (t) => {
  for (const status of ['103', '204']) t.strictSame(http2ResponseHead([':status', status, 'content-length', '0', 'a', '1'], 'GET', true).fields, ['a', '1'])
  t.strictSame(http2ResponseHead([':status', '304', 'content-length', '7'], 'GET', true).fields, ['content-length', '7'])
})

t.test('trailers are announced in one list', async (t) => {
  t.equal(http2ResponseHead([':status', '200', 'trailer', 'x-one', 'trailer', 'X-Two,x-three'], 'GET', false).trailer, 'x-one, X-Two,x-three')
})

t.test('an answer without a status that can be one is refused', async (t) => {
  for (const raw of [[], ['a', '1'], [':status', ''], [':status', 'abc'], [':status', '99'], [':status', '1000'], [':status', '-200']]) {
    t.throws(() => http2ResponseHead(raw, 'GET', false), MessageFault, raw.join(' '))
  }
})
