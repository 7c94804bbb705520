/** Trailers, the fields behind a chunked body, go on both ways, except where they would change what the message means. */
import {
  type Behaviour, call, chunk, fieldValues, type Gateway, hasField, type HttpOrigin, type MessageHead, type RawClient, scenario, type Scenario, send, sendBytes, until
} from '../helper.ts'

/** Fields that may not be trailers: they frame, route, or say who somebody is (RFC 9110, section 6.5.1). */
const FORBIDDEN = [
  'Host: evil', 'Connection: close', 'Trailer: x', 'Authorization: Basic eDp5', 'Set-Cookie: a=1',
  'Cookie: a=1', 'Content-Type: text/evil', 'Content-Encoding: gzip', 'Cache-Control: no-store', 'X-Forwarded-For: 9.9.9.9', 'Forwarded: for=9.9.9.9',
  'X-Request-Id: evil', 'Via: 1.1 evil', 'TE: trailers', 'Upgrade: evil', 'Expect: 100-continue', 'Client-Cert: :evil:', 'HTTP2-Settings: evil'
]

const FRAMING = ['Content-Length: 99', 'Transfer-Encoding: chunked']

interface Upload {
  readonly body: string
  readonly trailers: readonly string[]
  readonly head: readonly string[]
}

/** A backend that tells of each upload when it is whole. */
async function receiving (s: Scenario, uploads: Upload[]): Promise<HttpOrigin> {
  return await s.origin('a', (request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => { body += part.toString('latin1') })
    request.on('end', () => {
      uploads.push({ body, trailers: request.rawTrailers, head: request.rawHeaders })
      response.end('got it')
    })
  })
}

/** What a client of HTTP/1.1 gets. */
async function ask (s: Scenario, gateway: Gateway, request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'): Promise<{ client: RawClient, head: MessageHead }> {
  const client = await s.client(gateway)
  client.send(request)
  return { client, head: await client.head() }
}

/** Everything from the last chunk on, up to the empty line. */
async function lastChunk (client: RawClient): Promise<string> {
  await client.reader.upTo('\r\n0\r\n')
  let lines = ''
  while (!lines.endsWith('\r\n\r\n') && lines !== '\r\n') lines += (await client.reader.upTo('\r\n')).toString('latin1')
  return lines
}

/** A chunked upload with these trailers. */
function putWith (trailers: readonly string[]): string {
  return ['PUT / HTTP/1.1', 'host: a', 'transfer-encoding: chunked', '', `${chunk('body')}0`, ...trailers, '', ''].join('\r\n')
}

/** A chunked answer with these trailers. */
function withTrailers (trailers: readonly string[], fields: readonly string[] = []): string {
  return ['HTTP/1.1 200 OK', 'transfer-encoding: chunked', ...fields, '', `${chunk('body')}0`, ...trailers, '', ''].join('\r\n')
}

for (const announced of ['', 'trailer: X-Sum, x-latin\r\n']) {
  scenario(`trailers of an upload reach the backend${announced === '' ? '' : ', announced ones too'}`, async (s, t) => {
    const uploads: Upload[] = []
    const gateway = await s.gateway([await receiving(s, uploads)])
    const { client, head } = await ask(s, gateway,
      `PUT / HTTP/1.1\r\nhost: a\r\n${announced}transfer-encoding: chunked\r\n\r\n${chunk('body')}0\r\nX-Sum: 1\r\nx-latin: caf\xe9\r\nX-Sum: 2\r\n\r\n`)
    t.match(head.startLine, /^HTTP\/1\.1 200 /)
    t.match(uploads, [{ body: 'body', trailers: ['X-Sum', '1', 'x-latin', 'caf\xe9', 'X-Sum', '2'] }])
    client.get('/next')
    await until('the next one has arrived', () => uploads.length === 2)
    t.same(uploads[1]?.trailers, [], 'the connections go on')
  })
}

scenario('trailers of an upload that may not be trailers go nowhere', async (s, t) => {
  const uploads: Upload[] = []
  const gateway = await s.gateway([await receiving(s, uploads)])
  await ask(s, gateway, putWith([...FORBIDDEN, 'x-fine: yes']))
  t.match(uploads, [{ body: 'body', trailers: ['x-fine', 'yes'] }])
  t.equal(uploads[0]?.trailers.length, 2)
  t.equal(uploads[0]?.head.filter((text) => /evil|9\.9\.9\.9/.test(text)).length, 0)
  for (const line of FRAMING) {
    const { head } = await ask(s, gateway, putWith([line]))
    t.match(head.startLine, /^HTTP\/1\.1 400 /, line)
  }
  t.equal(uploads.length, 1)
})

scenario('names with an underscore are no more welcome as trailers than in a head', async (s, t) => {
  const uploads: Upload[] = []
  const gateway = await s.gateway([await receiving(s, uploads)])
  await ask(s, gateway, putWith(['x_user: admin', 'x-fine: yes']))
  t.same(uploads[0]?.trailers, ['x-fine', 'yes'])
})

scenario('trailers of a large upload reach the backend', async (s, t) => {
  const uploads: Upload[] = []
  const gateway = await s.gateway([await receiving(s, uploads)])
  await ask(s, gateway, `PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('x'.repeat(100_000)).repeat(20)}0\r\nx-sum: 1\r\n\r\n`)
  t.match(uploads, [{ trailers: ['x-sum', '1'] }])
  t.equal(uploads[0]?.body.length, 2_000_000)
})

for (const announced of [[], ['Trailer: X-Sum, x-latin']]) {
  scenario(`trailers of an answer reach the client${announced.length === 0 ? '' : ', announced ones too'}`, async (s, t) => {
    const origin = await s.scripted('a', sendBytes(withTrailers(['X-Sum: 1', 'x-latin: caf\xe9', 'X-Sum: 2'], announced)))
    const gateway = await s.gateway([origin])
    const { client, head } = await ask(s, gateway)
    t.same(fieldValues(head, 'transfer-encoding'), ['chunked'])
    t.same(fieldValues(head, 'trailer'), announced.length === 0 ? [] : ['X-Sum, x-latin'])
    t.same((await lastChunk(client)).toLowerCase().split('\r\n').filter((line) => line !== ''), ['x-sum: 1', 'x-latin: caf\xe9', 'x-sum: 2'])
    client.get('/next')
    t.match((await client.head()).startLine, /^HTTP\/1\.1 200 /, 'the connection goes on')
    t.equal(origin.accepted - origin.probes, 1, 'the upstream connection too')
  })
}

scenario('trailers of an answer that comes in parts reach the client', async (s, t) => {
  const { promise: mayEnd, resolve: letEnd } = Promise.withResolvers<void>()
  const inParts: Behaviour = async ({ socket }) => {
    await send(socket, Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk('body')}`))
    await mayEnd
    await send(socket, Buffer.from('0\r\nx-sum: 1\r\n\r\n'))
  }
  const gateway = await s.gateway([await s.scripted('a', inParts)])
  const { client } = await ask(s, gateway)
  await client.reader.exactly('4\r\nbody'.length)
  letEnd()
  t.match(await lastChunk(client), /^x-sum: 1\r\n\r\n$/)
})

scenario('trailers of an answer that may not be trailers go nowhere', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sendBytes(withTrailers([...FORBIDDEN, ...FRAMING, 'WWW-Authenticate: Basic', 'x-fine: yes'])))])
  const { client } = await ask(s, gateway)
  t.equal((await lastChunk(client)).toLowerCase(), 'x-fine: yes\r\n\r\n')
})

scenario('a client of HTTP/1.0 gets the body, and no trailers', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sendBytes(withTrailers(['x-sum: 1'], ['trailer: x-sum'])))])
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.0\r\n\r\n')
  const { head, body } = await client.answer()
  t.equal(body.toString(), 'body')
  t.equal(hasField(head, 'trailer'), false)
  t.equal(hasField(head, 'x-sum'), false)
  t.equal(await client.ended, 'fin')
})

scenario('trailers that break HTTP cut the answer, and refuse the upload', async (s, t) => {
  for (const trailers of [['no colon'], ['x y: 1'], [' folded'], ['x: a\x00b']]) {
    const gateway = await s.gateway([await s.scripted('a', sendBytes(withTrailers(trailers)))])
    const outcome = await call(gateway.url).then(({ status }) => status, () => 'cut')
    t.ok(outcome === 'cut' || outcome === 502, JSON.stringify(trailers))
    const { head } = await ask(s, gateway, putWith(trailers))
    t.match(head.startLine, /^HTTP\/1\.1 400 /, JSON.stringify(trailers))
  }
})
