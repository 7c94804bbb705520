/** What of the heads crosses the gateway, byte for byte on the wire, and what the gateway adds. */
import { answer, call, fieldValues, hasField, scenario, sendBytes, type ScriptedOrigin, valuesOf } from '../helper.ts'

/** What ends here of the request below: the fields of one hop, and those that its Connection names. */
const HOP_BY_HOP = [
  'connection', 'keep-alive', 'te', 'trailer', 'proxy-connection', 'proxy-authorization', 'http2-settings', 'x-private', 'x-other', 'x-third'
]

/** The values that the backend got in its last request. */
function got (origin: ScriptedOrigin, name: string): string[] {
  const head = origin.requests.at(-1)?.head
  return head === undefined ? [] : fieldValues(head, name)
}

/** What an origin has to send so that the client gets these fields. */
function answering (fields: readonly string[]): ReturnType<typeof sendBytes> {
  return sendBytes(['HTTP/1.1 200 OK', ...fields, 'content-length: 2', '', 'ok'].join('\r\n'))
}

scenario('the client\'s Host is kept', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  await call(gateway.url, { headers: { host: 'shop.example:8443' } })
  t.same(got(origin, 'host'), ['shop.example:8443'])
})

scenario('hop-by-hop fields of a request end at the gateway, those that Connection names included', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/', [
    'Connection: keep-alive, X-Private , x-other', 'Connection: ,,x-third', 'Keep-Alive: timeout=5', 'TE: gzip', 'Trailer: x-t', 'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic eDp5', 'HTTP2-Settings: AAMAAABk', 'X-Private: 1', 'X-Other: 2', 'x-THIRD: 3', 'X-Public: 4'
  ])
  await client.answer()
  for (const name of HOP_BY_HOP) t.same(got(origin, name), [], name)
  t.same(got(origin, 'x-public'), ['4'])
})

for (const te of ['trailers', 'Trailers', 'gzip, trailers']) {
  scenario(`of "TE: ${te}" it goes on that trailers are welcome, with its name in Connection`, async (s, t) => {
    const origin = await s.scripted('a')
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/', [`TE: ${te}`, 'Connection: TE'])
    await client.answer()
    t.same(got(origin, 'te'), ['trailers'])
    t.same(got(origin, 'connection'), ['te'])
  })
}

scenario('names with an underscore end at the gateway, unless they may pass', async (s, t) => {
  const origin = await s.scripted('a')
  for (const [env, values] of [[{}, []], [{ UNDERSCORE_HEADERS: 'drop' }, []], [{ UNDERSCORE_HEADERS: 'pass' }, ['admin']]] as const) {
    const gateway = await s.gateway([origin], { env })
    await call(gateway.url, { headers: { x_user: 'admin', 'x-other': '1' } })
    t.same(got(origin, 'x_user'), values)
    t.same(got(origin, 'x-other'), ['1'])
  }
})

scenario('Connection cannot take away what makes the message: Host, the length, what the gateway adds', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send([
    'POST / HTTP/1.1', 'Host: shop.example', 'Content-Length: 4',
    'Connection: close, host, content-length, x-forwarded-for, x-forwarded-proto, x-forwarded-host, forwarded, via, x-request-id', '', 'body'
  ].join('\r\n'))
  t.equal((await client.answer()).status, 200)
  t.same(got(origin, 'host'), ['shop.example'])
  t.same(got(origin, 'content-length'), ['4'])
  t.same(got(origin, 'x-forwarded-for'), ['127.0.0.1'])
  t.same(got(origin, 'x-forwarded-proto'), ['http'])
  t.same(got(origin, 'x-forwarded-host'), ['shop.example'])
  t.same(got(origin, 'forwarded'), ['for=127.0.0.1;host=shop.example;proto=http'])
  t.same(got(origin, 'via'), ['1.1 fastlancer'])
  t.equal(got(origin, 'x-request-id').length, 1)
})

scenario('names keep their spelling, repeated fields their order, values their bytes', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/', ['X-MiXeD: 1', 'x-latin: caf\xe9 \xff', 'X-MiXeD: 2', 'Cookie: a=1; b=2', 'x-empty:', 'X-Utf8: \xc3\xbc'])
  await client.answer()
  const fields = origin.requests[0]?.head.fields.filter(([name]) => /^x-(mixed|latin|empty|utf8)|^cookie/i.test(name))
  t.same(fields, [['X-MiXeD', '1'], ['x-latin', 'caf\xe9 \xff'], ['X-MiXeD', '2'], ['Cookie', 'a=1; b=2'], ['x-empty', ''], ['X-Utf8', '\xc3\xbc']])
})

scenario('hop-by-hop fields of an answer end at the gateway, those that Connection names included', async (s, t) => {
  const origin = await s.scripted('a', answering([
    'Connection: keep-alive, X-Private', 'Keep-Alive: timeout=77', 'Proxy-Authenticate: Basic', 'Trailer: x-t', 'Upgrade: h2c', 'X-Private: 1', 'X-Public: 2'
  ]))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  const relayed = await client.answer()
  for (const name of ['proxy-authenticate', 'trailer', 'upgrade', 'x-private']) t.same(valuesOf(relayed, name), [], name)
  t.notMatch(relayed.head.raw, /timeout=77/)
  t.same(valuesOf(relayed, 'x-public'), ['2'])
})

scenario('Connection of a backend cannot take the length away', async (s, t) => {
  const origin = await s.scripted('a', answering(['Connection: content-length']))
  const gateway = await s.gateway([origin])
  t.match(await call(gateway.url), { text: 'ok', headers: { 'content-length': '2' } })
})

scenario('each Set-Cookie stays a field of its own, in order', async (s, t) => {
  const cookies = ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2; Path=/', 'a=3']
  const origin = await s.scripted('a', answering(cookies.map((cookie) => `Set-Cookie: ${cookie}`)))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  t.same(valuesOf(await client.answer(), 'set-cookie'), cookies)
})

scenario('repeated fields of an answer keep their values in order', async (s, t) => {
  const origin = await s.scripted('a', answering(['Link: </a>', 'X-Other: 1', 'Link: </b>', 'Vary: a', 'Vary: b']))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  const relayed = await client.answer()
  t.equal(valuesOf(relayed, 'link').join(', '), '</a>, </b>')
  t.equal(valuesOf(relayed, 'vary').join(', '), 'a, b')
})

for (const [what, body] of [['', 'ok'], [' before a body that is not ASCII', '\xff\xfe']]) {
  scenario(`values of an answer keep their bytes${what}`, async (s, t) => {
    const origin = await s.scripted('a', sendBytes(`HTTP/1.1 200 OK\r\nX-Latin: caf\xe9 \xff\r\nX-Utf8: \xc3\xbc\r\nX-Empty:\r\ncontent-length: 2\r\n\r\n${body}`))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/')
    const relayed = await client.answer()
    t.same(valuesOf(relayed, 'x-latin'), ['caf\xe9 \xff'])
    t.same(valuesOf(relayed, 'x-utf8'), ['\xc3\xbc'])
    t.same(valuesOf(relayed, 'x-empty'), [''])
    t.equal(relayed.body.toString('latin1'), body)
  })
}

scenario('names that JavaScript objects have themselves are names like any other', async (s, t) => {
  const origin = await s.scripted('a', answering(['__proto__: 1', 'constructor: 2', 'toString: 3']))
  const gateway = await s.gateway([origin], { env: { UNDERSCORE_HEADERS: 'pass' } })
  const client = await s.client(gateway)
  client.get('/', ['__proto__: a', 'constructor: b', 'hasOwnProperty: c'])
  const relayed = await client.answer()
  t.equal(relayed.status, 200)
  t.same([got(origin, '__proto__'), got(origin, 'constructor'), got(origin, 'hasownproperty')], [['a'], ['b'], ['c']])
  t.same([valuesOf(relayed, 'constructor'), valuesOf(relayed, 'tostring')], [['2'], ['3']])
})

for (const fields of [['Date: Mon, 01 Jan 2024 00:00:00 GMT', 'Server: origin/1'], []]) {
  scenario(`the gateway adds to an answer what concerns the client's connection, and nothing else (${fields.length} fields of the backend's)`, async (s, t) => {
    const origin = await s.scripted('a', answering(fields))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/')
    const relayed = await client.answer()
    const own = relayed.head.fields.filter(([name]) => !['connection', 'keep-alive'].includes(name.toLowerCase()))
    t.same(own.map(([name, value]) => `${name}: ${value}`.toLowerCase()), [...fields, 'content-length: 2'].map((line) => line.toLowerCase()))
  })
}

scenario('an origin\'s own reason phrase goes on', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 404, reason: 'Nothing Here' }))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  t.equal((await client.answer()).head.startLine, 'HTTP/1.1 404 Nothing Here')
})

scenario('a client of HTTP/1.0 is answered and its connection closed', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.0\r\n\r\n')
  const relayed = await client.answer()
  t.equal(relayed.body.toString(), 'a')
  t.equal(hasField(relayed.head, 'transfer-encoding'), false)
  t.equal(await client.ended, 'fin')
  t.equal(origin.requests[0]?.head.startLine, 'GET / HTTP/1.1')
  t.equal(got(origin, 'host').length, 1)
})
