/** The catch-all route: every method, every target, every type of content and every status goes through as it is. */
import { METHODS } from 'node:http'
import { afterBody, answer, answerInParts, fieldValues, scenario, sendBytes, valuesOf } from '../helper.ts'

const PROXIED = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')

scenario('every method that Node parses, but for CONNECT and TRACE, is proxied, without a body and with one', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ fields: ['x-served: yes'] })))
  const gateway = await s.gateway([origin])
  for (const method of PROXIED) {
    for (const body of ['', 'some body']) {
      const client = await s.client(gateway)
      client.send(`${method} /${method} HTTP/1.1\r\nhost: x\r\n${body === '' ? '' : `content-length: ${body.length}\r\n`}\r\n${body}`)
      const relayed = await client.answer(method)
      t.same(valuesOf(relayed, 'x-served'), ['yes'], `${method} "${body}"`)
      const last = origin.requests.at(-1)
      t.equal(last?.head.startLine, `${method} /${method} HTTP/1.1`)
      t.equal(String(await last?.body()), body)
      await client.leave()
    }
  }
})

const PLAIN_TARGETS = [
  '/', '/plain', '/a%2Fb', '/a%2fb%20c', '//double//slash', '/trailing/', '/a?', '/?a=?&&b==', '/a?x=%zz', '/a?b=../c\\d%00',
  '/%zz', '/%', '/%E0%A4%A', '/a;v=1;w', '/a:b@c!$\'()*+,', '/"<>^`{|}', '/caf%C3%A9', '/latin%e9?q=%ff', '/*', '/:param', '/...', '/.well-known/a..b',
  '/http://other.example/x', '/-/status', '/health', `/${'long'.repeat(2_000)}`, `/?q=${'long'.repeat(2_000)}`
]

/** What a backend may resolve to something else than what a hook saw. */
const AMBIGUOUS_TARGETS = [
  '/../up', '/a/../b/./c', '/.', '/a/%2e%2e/b', '/..%2fetc', '/..;/admin', '/.%2E;a=b/', '/\\back', '/a%5cb', '/nul%00', '/a/..?b'
]

for (const policy of ['strict', 'pass']) {
  scenario(`path and query arrive byte for byte (PATH_POLICY=${policy})`, async (s, t) => {
    const origin = await s.scripted('a')
    const gateway = await s.gateway([origin], { env: { PATH_POLICY: policy } })
    for (const target of policy === 'strict' ? PLAIN_TARGETS : [...PLAIN_TARGETS, ...AMBIGUOUS_TARGETS]) {
      const client = await s.client(gateway)
      client.get(target)
      t.equal((await client.answer()).status, 200, target.slice(0, 40))
      t.equal(origin.requests.at(-1)?.target, target)
      await client.leave()
    }
  })
}

scenario('a path that can be read in two ways is refused (PATH_POLICY=strict, the default)', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  for (const target of AMBIGUOUS_TARGETS) {
    const client = await s.client(gateway)
    client.get(target)
    const { status, body } = await client.answer()
    t.equal(status, 400, target)
    t.match(JSON.parse(body.toString()), { statusCode: 400, code: 'FL_PATH_AMBIGUOUS', error: 'Bad Request' })
  }
  t.equal(origin.requests.length, 0)
})

scenario('bytes that no target may hold are refused by the HTTP server', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  for (const target of ['/caf\xc3\xa9', '/latin?q=\xff', '/tab\there', '/nul\x00']) {
    const client = await s.client(gateway)
    client.get(target)
    t.equal((await client.answer()).status, 400)
  }
  t.equal(origin.requests.length, 0)
})

scenario('a target in absolute form is forwarded as its path, with its authority as Host', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('http://shop.example:81/a%2Fb?c')
  t.equal((await client.answer()).status, 200)
  const head = origin.requests[0]?.head
  t.equal(head?.startLine, 'GET /a%2Fb?c HTTP/1.1')
  t.same(head && fieldValues(head, 'host'), ['shop.example:81'])
  client.get('http://shop.example?only=query')
  t.equal((await client.answer()).status, 200)
  t.equal(origin.requests[1]?.target, '/?only=query')
})

scenario('OPTIONS for the server as a whole goes on as "*", in either form', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  for (const [target, host] of [['*', 'client.test'], ['http://shop.example', 'shop.example'], ['HTTP://shop.example:81', 'shop.example:81']] as const) {
    const client = await s.client(gateway)
    client.send(`OPTIONS ${target} HTTP/1.1\r\nhost: client.test\r\n\r\n`)
    t.equal((await client.answer()).status, 200, target)
    const head = origin.requests.at(-1)?.head
    t.equal(head?.startLine, 'OPTIONS * HTTP/1.1')
    t.same(head && fieldValues(head, 'host'), [host])
  }
})

scenario('a target that is nothing of that, or has a fragment, is the client\'s fault', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  for (const target of ['*', '/a?b#fragment', '/#', 'http://a/#x', 'http://user@a/', 'http:///path', 'http://a b/', 'ftp://a/', 'https:/a', 'http://a:99999/']) {
    const client = await s.client(gateway)
    client.get(target)
    t.equal((await client.answer()).status, 400, target)
    await client.ended
  }
  const refused = await s.client(gateway)
  refused.get('/#fragment')
  t.match(JSON.parse((await refused.answer()).body.toString()), { statusCode: 400, code: 'FL_TARGET_INVALID', error: 'Bad Request' })
  t.equal(origin.requests.length, 0)
})

const CONTENT_TYPES = [
  'application/json', 'application/json; charset=utf-8', 'text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'image/png',
  'none', 'a/b/c', '/', ';', 'text/', 'text/html;;charset', 'caf\xe9/latin', ''
]

scenario('a request\'s type of content, whether it is one or not, arrives as it was sent, and so does its body', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer()))
  const gateway = await s.gateway([origin])
  for (const method of ['POST', 'QUERY', 'DELETE', 'PROPFIND', 'GET']) {
    for (const type of [...CONTENT_TYPES, undefined]) {
      const client = await s.client(gateway)
      client.send(`${method} / HTTP/1.1\r\nhost: x\r\n${type === undefined ? '' : `content-type: ${type}\r\n`}content-length: 6\r\n\r\n{"not}`)
      t.equal((await client.answer()).status, 200, `${method} ${type}`)
      const last = origin.requests.at(-1)
      t.same(last && fieldValues(last.head, 'content-type'), type === undefined ? [] : [type])
      t.equal(String(await last?.body()), '{"not}')
      await client.leave()
    }
  }
})

for (const [how, body] of [['whole', 'text'], ['whole, not ASCII', 'caf\xe9'], ['empty', ''], ['large', 'x'.repeat(300_000)]]) {
  scenario(`an answer's type of content, whether it is one or not, reaches the client as it was sent (${how})`, async (s, t) => {
    const types = [...CONTENT_TYPES.filter((type) => type !== ''), undefined]
    const origin = await s.scripted('a', ...types.map((type) => sendBytes(
      `HTTP/1.1 200 OK\r\n${type === undefined ? '' : `content-type: ${type}\r\n`}content-length: ${body?.length}\r\n\r\n${body}`)))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    for (const type of types) {
      client.get('/')
      const relayed = await client.answer()
      t.same(valuesOf(relayed, 'content-type'), type === undefined ? [] : [type], type ?? 'none')
      t.equal(relayed.body.toString('latin1'), body)
    }
  })
}

scenario('a streamed answer without a type of content gets none', async (s, t) => {
  const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>()
  const origin = await s.scripted('a', answerInParts((async function * () {
    yield 'first '
    await mayGoOn
    yield 'last'
  })()))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  await client.reader.upTo('first ')
  goOn()
  await client.reader.upTo('\r\n0\r\n')
  t.notMatch(client.reader.received.toString('latin1'), /content-type/i)
})

scenario('every status goes through', async (s, t) => {
  const statuses = [200, 201, 202, 203, 206, 226, 299, 300, 301, 302, 307, 400, 401, 404, 407, 418, 429, 451, 499, 500, 502, 503, 504, 511, 599, 600, 799, 999]
  const origin = await s.scripted('a', ...statuses.map((status) => answer({ status, reason: 'As It Is', body: `${status}`, fields: ['location: /elsewhere'] })))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  for (const status of statuses) {
    client.get('/')
    const relayed = await client.answer()
    t.equal(relayed.head.startLine, `HTTP/1.1 ${status} As It Is`)
    t.equal(relayed.body.toString(), `${status}`)
    t.same(valuesOf(relayed, 'location'), ['/elsewhere'])
  }
  t.match(gateway.app.pool.status().backends, [{ failures: 0, healthy: true }])
})

scenario('HEAD keeps the length of what a GET would answer', async (s, t) => {
  const origin = await s.scripted('a', answer({ body: 'x'.repeat(1234), fields: ['content-type: text/plain'] }))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  for (let i = 0; i < 3; i++) {
    client.send('HEAD / HTTP/1.1\r\nhost: x\r\n\r\n')
    const relayed = await client.answer('HEAD')
    t.same(valuesOf(relayed, 'content-length'), ['1234'])
    t.same(valuesOf(relayed, 'content-type'), ['text/plain'])
  }
  t.equal(client.reader.unread.length, 0)
  client.get('/')
  t.equal((await client.answer()).body.length, 1234)
  t.equal(origin.accepted - origin.probes, 1, 'its connection was used on')
})

scenario('HEAD of a chunked answer ends', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sendBytes('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'))])
  const client = await s.client(gateway)
  for (let i = 0; i < 2; i++) {
    client.send('HEAD / HTTP/1.1\r\nhost: x\r\n\r\n')
    t.equal((await client.answer('HEAD')).status, 200)
  }
})

for (const status of [204, 304]) {
  scenario(`${status} has no body, and the connection goes on`, async (s, t) => {
    const origin = await s.scripted('a', answer({ status, fields: ['etag: "x"'] }))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    for (let i = 0; i < 3; i++) {
      client.get('/')
      const relayed = await client.answer()
      t.equal(relayed.status, status)
      t.same(valuesOf(relayed, 'etag'), ['"x"'])
      t.same(valuesOf(relayed, 'transfer-encoding'), [])
    }
    t.equal(client.reader.unread.length, 0)
    t.equal(origin.accepted - origin.probes, 1, 'its connection was used on')
  })
}

scenario('304 keeps the length of what it stands for, 204 has none', async (s, t) => {
  const origin = await s.scripted('a',
    sendBytes('HTTP/1.1 304 Not Modified\r\ncontent-length: 77\r\n\r\n'), sendBytes('HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n'), answer({ body: 'next' }))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.get('/')
  t.same(valuesOf(await client.answer(), 'content-length'), ['77'])
  client.get('/')
  t.same(valuesOf(await client.answer(), 'content-length'), [])
  client.get('/')
  t.equal((await client.answer()).body.toString(), 'next')
})
