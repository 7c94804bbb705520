import { Readable } from 'node:stream'
import t from 'tap'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { OWN_REQUEST, type UpstreamRequest } from '../../src/upstream/carrier.ts'
import { requestHead } from '../../src/upstream/http1-request.ts'
import { RequestBody } from '../../src/upstream/request-body.ts'

const REQUEST: UpstreamRequest = { ...OWN_REQUEST, method: 'GET', target: '/', host: 'shop.example' }

/** The head of a request to a backend at `backend:8081`, as lines; the empty ones at its end are checked on the way. */
function lines (request: Partial<UpstreamRequest>): string[] {
  const head = requestHead({ ...REQUEST, ...request }, 'backend:8081')
  if (!head.endsWith('\r\n\r\n')) throw new Error(`a head without an end: ${head}`)
  return head.slice(0, -4).split('\r\n')
}

/** A body that comes in parts. */
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

t.test('a head is the request line, Host and the fields, in order and byte for byte', async (t) => {
  t.strictSame(lines({ method: 'GET', target: '/a%2Fb?x=%zz&y=../\xe9', fields: ['X-B', '2', 'x-a', 'caf\xe9', 'X-B', '', 'Cookie', 'a=1; b=2'] }), [
    'GET /a%2Fb?x=%zz&y=../\xe9 HTTP/1.1', 'host: shop.example', 'X-B: 2', 'x-a: caf\xe9', 'X-B: ', 'Cookie: a=1; b=2'
  ])
  t.strictSame(lines({ method: 'OPTIONS', target: '*' }), ['OPTIONS * HTTP/1.1', 'host: shop.example'])
})

t.test('a request without a host is for the backend itself', async (t) => {
  t.strictSame(lines({ host: undefined }), ['GET / HTTP/1.1', 'host: backend:8081'])
})

t.test('the length of a body is written anew, in bytes', async (t) => {
  for (const method of ['GET', 'POST', 'DELETE', 'QUERY']) {
    t.strictSame(lines({ method, body: Buffer.from('caf\u00e9') }).slice(2), ['content-length: 5'], method)
    t.strictSame(lines({ method, body: Buffer.alloc(0) }).slice(2), ['content-length: 0'], method)
    t.strictSame(lines({ method, body: streamed(70_000) }).slice(2), ['content-length: 70000'], method)
  }
})

t.test('a body of unknown length is chunked', async (t) => {
  for (const method of ['GET', 'POST', 'DELETE']) t.strictSame(lines({ method, body: streamed(undefined) }).slice(2), ['transfer-encoding: chunked'], method)
})

t.test('a request without a body says so where one is expected, and nothing elsewhere', async (t) => {
  for (const method of ['POST', 'PUT', 'PATCH']) t.strictSame(lines({ method }).slice(2), ['content-length: 0'], method)
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY', 'MKCOL']) t.strictSame(lines({ method }).slice(2), [], method)
})

t.test('a change of protocols is asked for', async (t) => {
  t.strictSame(lines({ upgrade: 'websocket, x/1' }).slice(2), ['connection: upgrade', 'upgrade: websocket, x/1'])
})

t.test('trailers are welcome with TE, which Connection names (RFC 9110, section 10.1.4)', async (t) => {
  t.strictSame(lines({ wantsTrailers: true }).slice(2), ['connection: te', 'te: trailers'])
  const both = lines({ wantsTrailers: true, upgrade: 'x' })
  t.ok(both.includes('te: trailers'))
  t.ok(both.includes('upgrade: x'))
  const options = both.filter((line) => line.startsWith('connection: ')).flatMap((line) => line.slice('connection: '.length).split(', '))
  t.strictSame(options.toSorted(), ['te', 'upgrade'])
})

t.test('the framing comes last, whatever else there is', async (t) => {
  t.strictSame(lines({ method: 'POST', fields: ['a', '1'], wantsTrailers: true, body: Buffer.from('x') }), [
    'POST / HTTP/1.1', 'host: shop.example', 'a: 1', 'connection: te', 'te: trailers', 'content-length: 1'
  ])
})
