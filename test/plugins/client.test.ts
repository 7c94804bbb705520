/** The client's side: each request is read strictly before anybody else sees it, and refused in JSON if it is not beyond doubt. */
import { METHODS } from 'node:http'
import t from 'tap'
import { createApp } from '../../src/app.ts'
import { afterBody, answer, call, chunk, fieldValues, parseObject, type RawAnswer, scenario, until } from '../helper.ts'

/** Status and code of a refusal, and what becomes of the connection. */
function refusal ({ status, head, body }: RawAnswer): string {
  const { statusCode, code, error, message, ...others } = parseObject(body.toString())
  const isOurs = statusCode === status && typeof error === 'string' && typeof message === 'string' && Object.keys(others).length === 0
  return `${status} ${isOurs ? String(code) : body.toString()} ${fieldValues(head, 'connection').join()}`
}

const REFUSED: ReadonlyArray<readonly [what: string, request: string, refusal: string]> = [
  ['bytes that are no HTTP', 'rubbish\r\n\r\n', '400 FL_REQUEST_MALFORMED'],
  ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03', '400 FL_REQUEST_MALFORMED'],
  ['a bare LF', 'GET / HTTP/1.1\nhost: a\n\n', '400 FL_REQUEST_MALFORMED'],
  ['a folded line', 'GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n', '400 FL_REQUEST_MALFORMED'],
  ['a blank before the colon', 'GET / HTTP/1.1\r\nhost : a\r\n\r\n', '400 FL_REQUEST_MALFORMED'],
  ['a NUL', 'GET / HTTP/1.1\r\nhost: a\r\nx: \x00\r\n\r\n', '400 FL_REQUEST_MALFORMED'],
  ['a length and chunks', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', '400 FL_REQUEST_MALFORMED'],
  ['chunks twice', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', '400 FL_REQUEST_MALFORMED'],
  ['a length that is too large', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9007199254740993\r\n\r\n', '400 FL_FRAMING_INVALID'],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', '400 FL_FRAMING_INVALID'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', '400 FL_HOST_INVALID'],
  ['two Hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n', '400 FL_HOST_INVALID'],
  ['a Host that is none', 'GET / HTTP/1.1\r\nhost: a/b\r\n\r\n', '400 FL_HOST_INVALID'],
  ['a fragment', 'GET /#x HTTP/1.1\r\nhost: a\r\n\r\n', '400 FL_TARGET_INVALID'],
  ['a dot segment', 'GET /a/../b HTTP/1.1\r\nhost: a\r\n\r\n', '400 FL_PATH_AMBIGUOUS'],
  ['TRACE', 'TRACE / HTTP/1.1\r\nhost: a\r\n\r\n', '405 FL_METHOD_NOT_ALLOWED'],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n', '405 FL_METHOD_NOT_ALLOWED'],
  ['an expectation', 'POST / HTTP/1.1\r\nhost: a\r\nexpect: the unexpected\r\ncontent-length: 1\r\n\r\nx', '417 FL_EXPECTATION_FAILED'],
  ['an unknown method', 'FOO / HTTP/1.1\r\nhost: a\r\n\r\n', '501 FL_METHOD_UNKNOWN'],
  ['a method in small letters', 'get / HTTP/1.1\r\nhost: a\r\n\r\n', '501 FL_METHOD_UNKNOWN'],
  ['an unknown coding', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n', '501 FL_CODING_UNKNOWN'],
  ['HTTP/0.9', 'GET / HTTP/0.9\r\nhost: a\r\n\r\n', '505 FL_VERSION_UNSUPPORTED'],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nhost: a\r\n\r\n', '505 FL_VERSION_UNSUPPORTED'],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nhost: a\r\n\r\n', '505 FL_VERSION_UNSUPPORTED'],
  ['HTTP/3.0', 'GET / HTTP/3.0\r\nhost: a\r\n\r\n', '505 FL_VERSION_UNSUPPORTED']
]

scenario('what is refused is told in JSON, the connection closes, nothing reaches a backend, and the log has one line of it', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  for (const [index, [what, request, expected]] of REFUSED.entries()) {
    const client = await s.client(gateway)
    // What comes behind it on the connection is not served.
    client.send(`${request}GET /next HTTP/1.1\r\nhost: a\r\n\r\n`)
    t.equal(refusal(await client.answer()), `${expected} close`, what)
    t.equal(await client.ended, 'fin')
    t.equal(client.reader.unread.length, 0, what)
    const warnings = await until('a line of it', () => {
      const lines = gateway.logs.lines.filter(({ level, code }) => level === 40 && typeof code === 'string')
      return lines.length > index ? lines : undefined
    })
    t.equal(warnings?.length, index + 1, what)
    t.equal(`${String(warnings?.at(-1)?.['status'])} ${String(warnings?.at(-1)?.['code'])}`, expected)
  }
  t.equal(origin.requests.length, 0)
})

scenario('methods that end here: 405, and Allow says which ones go on', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')])
  for (const request of ['TRACE / HTTP/1.1\r\nhost: a\r\n\r\n', 'CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n']) {
    const client = await s.client(gateway)
    client.send(request)
    const allowed = fieldValues((await client.answer()).head, 'allow')
    t.same(new Set(allowed.join().split(/, */)), new Set(METHODS.filter((method) => method !== 'TRACE' && method !== 'CONNECT')))
  }
})

scenario('a CONNECT behind other requests is refused in its turn', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')])
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\nCONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\nbytes for the tunnel')
  t.equal((await client.answer()).body.toString(), 'a')
  t.equal(refusal(await client.answer()), '405 FL_METHOD_NOT_ALLOWED close')
  t.equal(await client.ended, 'fin')
})

scenario('no hook of an extension sees a request that is refused; those that are sent see it refused', async (s, t) => {
  const seen: string[] = []
  const gateway = await s.gateway([await s.scripted('a')], {
    extend: (app) => {
      app.addHook('onRequest', async () => { seen.push('onRequest') })
      app.addHook('onSend', async (_request, reply) => { seen.push(`onSend ${reply.statusCode}`) })
    }
  })
  for (const [what, request] of REFUSED.filter(([, , expected]) => !expected.includes('MALFORMED'))) {
    const client = await s.client(gateway)
    client.send(request)
    await client.answer()
    t.equal(seen.includes('onRequest'), false, what)
  }
  t.ok(seen.includes('onSend 400'))
})

scenario('hooks and routes of an extension find the head read, and the peer', async (s, t) => {
  const heads: unknown[] = []
  const gateway = await s.gateway([await s.scripted('a')], {
    extend: (app) => {
      app.addHook('onRequest', async ({ head, peer }) => { heads.push([head.target, head.host, head.hasBody, peer.address]) })
      app.get('/own', ({ head }, reply) => reply.send(head.target))
    }
  })
  const client = await s.client(gateway)
  client.get('http://shop.example/own?x=%zz')
  t.equal((await client.answer()).body.toString(), '/own?x=%zz')
  await call(gateway.url, { method: 'POST', path: '/proxied', body: 'x', headers: { host: 'shop.test' } })
  t.same(heads, [['/own?x=%zz', 'shop.example', false, '127.0.0.1'], ['/proxied', 'shop.test', true, '127.0.0.1']])
})

scenario('a refusal is not lost to a client that goes on with its body', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a')])
  const client = await s.client(gateway)
  client.socket.pause()
  client.send('POST /a/../b HTTP/1.1\r\nhost: a\r\ncontent-length: 16000000\r\n\r\n')
  client.send(Buffer.alloc(16_000_000))
  await gateway.logs.wait('request')
  client.socket.resume()
  t.equal(refusal(await client.answer()), '400 FL_PATH_AMBIGUOUS close')
  t.equal(await client.ended, 'fin')
})

for (const [what, rest] of [
  ['a size that is none', 'rubbish\r\n'], ['a size with a sign', '+4\r\nbody\r\n'], ['a size with 17 digits', 'fffffffffffffffff\r\nbody\r\n'],
  ['a bare LF', '4\nbody\n'], ['data without its end', '4\r\nbodyand more'], ['a negative size', '-1\r\n']
] as const) {
  scenario(`a chunk that is broken in the middle of an upload (${what}): 400, and the backend never sees an end of it`, async (s, t) => {
    let whole: Buffer | undefined
    const origin = await s.scripted('a', async ({ request }) => { whole = await request.body() })
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('good')}`)
    await until('the upload has begun', () => origin.requests.length === 1)
    client.send(rest)
    t.equal(refusal(await client.answer()), '400 FL_REQUEST_MALFORMED close')
    t.equal(await client.ended, 'fin')
    await until('its connection is closed', () => origin.connections === 0)
    t.equal(whole, undefined)
    t.equal(gateway.inFlight, 0)
    t.match(gateway.app.pool.status().backends, [{ requests: 1, failures: 0 }])
    t.match(await gateway.logs.wait('request'), [{ status: 400 }])
  })
}

scenario('a broken chunk within an upload that is being answered already cuts nothing of the answer', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 403, body: 'no, thanks' }), afterBody(answer()))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('good')}`)
  await until('the upload has begun', () => origin.requests.length === 1)
  const answered = client.answer()
  client.send('rubbish\r\n')
  const { status, body } = await answered
  t.ok((status === 403 && body.toString() === 'no, thanks') || status === 400, `${status}`)
  await client.ended
})

scenario('inject() is read strictly as well', async (s, t) => {
  const { app } = await s.load([await s.origin('a')])
  const { statusCode, body } = await app.inject({ url: '/a%5cb' })
  t.match([statusCode, parseObject(body)], [400, { code: 'FL_PATH_AMBIGUOUS' }])
})

t.test('a TRUST_PROXY that cannot be read stops the start, with every fault', async (t) => {
  const app = createApp({ env: { TRUST_PROXY: '10.0.0.0/33, nonsense' } })
  t.teardown(() => app.close())
  const message = await app.ready().then(() => 'no fault', (error: unknown) => String(error))
  t.match(message, /FL_CONFIG_INVALID/)
  t.match(message, /TRUST_PROXY: "10\.0\.0\.0\/33" /)
  t.match(message, /TRUST_PROXY: "nonsense" /)
})
