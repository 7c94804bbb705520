import { resetConnection } from '../../src/client/reset.ts'
/** Failover: which failed attempt is followed by another, and where; what the client is told when none is left. */
import {
  afterBody, answer, answerTo, type Behaviour, call, endInstead, never, open, parseObject, readAll, scenario, sendAndEnd, sendBytes
} from '../helper.ts'

const REPLAY_LIMIT_BYTES = 64 * 1024

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY']
const NOT_IDEMPOTENT = ['POST', 'PATCH', 'LOCK', 'MKCOL', 'MKCALENDAR', 'NOTIFY', 'SUBSCRIBE', 'MOVE', 'COPY', 'PURGE']

for (const method of ['GET', 'POST']) {
  scenario(`a ${method} whose connection is refused goes to another backend`, async (s, t) => {
    const [refusing, b] = [await s.refusing(), await s.origin('b')]
    const gateway = await s.gateway([refusing, b])
    gateway.declareHealthy(refusing)
    t.equal((await call(gateway.url, { method, ...(method === 'POST' && { body: 'x' }) })).text, 'b')
    t.match(gateway.app.pool.status().backends, [{ requests: 1, failures: 1 }, { requests: 1, failures: 0 }])
  })
}

scenario('a POST of any size goes to another backend as long as none of it was sent', async (s, t) => {
  const [refusing, b] = [await s.refusing(), await s.scripted('b', afterBody(answer({ body: 'b' })))]
  const gateway = await s.gateway([refusing, b])
  gateway.declareHealthy(refusing)
  const body = Buffer.alloc(3 * 1024 * 1024, 'abcdefghijklmnopq')
  t.equal((await call(gateway.url, { method: 'POST', body })).text, 'b')
  t.ok((await b.requests[0]?.body())?.equals(body))
})

scenario('a POST whose connection is reset before a byte of it was sent goes to another backend', async (s, t) => {
  const [resetting, b] = [await s.scripted('a'), await s.origin('b')]
  resetting.onConnection = (socket) => { socket.once('data', () => resetConnection(socket)) }
  // What comes first here is the handshake; the request would follow it.
  const secure = { url: resetting.url.replace('http:', 'https:') }
  const gateway = await s.gateway([secure, b])
  gateway.declareHealthy(secure)
  t.equal((await call(gateway.url, { method: 'POST', body: 'x' })).text, 'b')
  t.match(gateway.logs.of('proxy error'), [{ backend: secure.url, code: 'FL_UPSTREAM_CONNECT_FAILED', retry: 'other-backend' }])
})

const FAULTS: ReadonlyArray<readonly [what: string, behaviour: Behaviour, code: string]> = [
  ['a reset before the head', afterBody(endInstead('reset')), 'FL_UPSTREAM_RESET'],
  ['an end before the head', afterBody(endInstead('fin')), 'FL_UPSTREAM_RESET'],
  ['a reset within the head', afterBody(sendAndEnd('HTTP/1.1 200 OK\r\nconte', 'reset')), 'FL_UPSTREAM_RESET'],
  ['an end within the head', afterBody(sendAndEnd('HTTP/1.1 200 OK\r\nconte', 'fin')), 'FL_UPSTREAM_RESET'],
  ['an end after an interim answer', afterBody(sendAndEnd('HTTP/1.1 103 Early Hints\r\n\r\n', 'fin')), 'FL_UPSTREAM_RESET'],
  ['an answer that is no HTTP', afterBody(sendBytes('SSH-2.0-OpenSSH_9.2\r\n')), 'FL_UPSTREAM_BAD_RESPONSE'],
  ['two lengths that differ', afterBody(sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx')), 'FL_UPSTREAM_BAD_RESPONSE'],
  ['a length that is none', afterBody(sendBytes('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n')), 'FL_UPSTREAM_BAD_RESPONSE'],
  ['a head without an end', afterBody(sendBytes(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`)), 'FL_UPSTREAM_BAD_RESPONSE'],
  ['a switch of protocols that nobody asked for', afterBody(sendBytes('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')), 'FL_UPSTREAM_BAD_RESPONSE']
]

for (const [what, behaviour, code] of FAULTS) {
  scenario(`${what}: a GET and a small PUT go to another backend`, async (s, t) => {
    const [bad, b] = [await s.scripted('bad', behaviour), await s.scripted('b', afterBody(answer({ body: 'b' })))]
    const gateway = await s.gateway([bad, b])
    t.equal((await call(gateway.url)).text, 'b')
    await call(gateway.url)
    t.equal((await call(gateway.url, { method: 'PUT', body: 'replay me' })).text, 'b')
    t.equal(String(await b.requests.at(-1)?.body()), 'replay me')
    t.equal(bad.requests.length, 2)
    t.match(gateway.app.pool.status().backends, [{ failures: 2 }, { failures: 0 }])
  })

  scenario(`${what}: a POST gets a 502 (${code}) and no second try`, async (s, t) => {
    const [bad, b] = [await s.scripted('bad', behaviour), await s.origin('b')]
    const gateway = await s.gateway([bad, b])
    const { status, headers, text } = await call(gateway.url, { method: 'POST', body: 'x' })
    t.equal(status, 502)
    t.match(headers['content-type'], /^application\/json/)
    const { message, ...rest } = parseObject(text)
    t.strictSame(rest, { statusCode: 502, code, error: 'Bad Gateway' })
    t.type(message, 'string')
    t.equal(b.requests.length, 0)
  })
}

for (const method of IDEMPOTENT) {
  scenario(`${method} is tried again after it was sent`, async (s, t) => {
    const [bad, b] = [await s.scripted('bad', endInstead('fin')), await s.origin('b')]
    const gateway = await s.gateway([bad, b])
    t.equal((await call(gateway.url, { method })).status, 200)
    t.equal(b.requests.length, 1)
  })
}

for (const method of NOT_IDEMPOTENT) {
  scenario(`${method} is not tried again after it was sent`, async (s, t) => {
    const [bad, b] = [await s.scripted('bad', endInstead('fin')), await s.origin('b')]
    const gateway = await s.gateway([bad, b])
    t.equal((await call(gateway.url, { method })).status, 502)
    t.equal(b.requests.length, 0)
  })
}

for (const framing of ['its length', 'chunks']) {
  scenario(`a body of 64 KiB with ${framing} is replayed byte for byte, a longer one is not`, async (s, t) => {
    const [bad, b] = [await s.scripted('bad', afterBody(endInstead('fin'))), await s.scripted('b', afterBody(answer({ body: 'b' })))]
    const gateway = await s.gateway([bad, b])
    const body = Buffer.alloc(REPLAY_LIMIT_BYTES, 'abcdefghijklmnopq')
    const put = async (bytes: Buffer): Promise<string> => {
      const headers = framing === 'chunks' ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes.length }
      const sent = open(gateway.url, { method: 'PUT', headers })
      sent.end(bytes)
      return String(await readAll(await answerTo(sent)))
    }
    t.equal(await put(body), 'b')
    t.ok((await b.requests[0]?.body())?.equals(body), 'the same bytes')
    await call(gateway.url)
    t.match(JSON.parse(await put(Buffer.concat([body, Buffer.from('!')]))), { statusCode: 502, code: 'FL_UPSTREAM_RESET' })
    t.equal(b.requests.length, 2)
  })
}

scenario('every backend is tried once before the client gets a 502', async (s, t) => {
  const origins = [await s.scripted('a', endInstead('fin')), await s.scripted('b', endInstead('reset')), await s.scripted('c', sendBytes('rubbish\r\n\r\n'))]
  const gateway = await s.gateway(origins, { env: { EJECT_FAILURES: '0' } })
  for (let round = 1; round <= 6; round++) {
    t.equal((await call(gateway.url)).status, 502)
    t.same(origins.map(({ requests }) => requests.length), [round, round, round])
  }
})

scenario('the answer is the failure of the last attempt', async (s, t) => {
  const [refusing, late] = [await s.refusing(), await s.scripted('late', never)]
  const gateway = await s.gateway([refusing, late], { env: { UPSTREAM_HEADERS_TIMEOUT_MS: '50' } })
  gateway.declareHealthy(refusing)
  t.match(JSON.parse((await call(gateway.url)).text), { statusCode: 504, code: 'FL_UPSTREAM_HEADERS_TIMEOUT' })
  t.match(JSON.parse((await call(gateway.url)).text), { statusCode: 502, code: 'FL_UPSTREAM_CONNECT_FAILED' })
})

scenario('no available backend: 502 with a JSON body that says so', async (s, t) => {
  const gateway = await s.gateway([await s.refusing(), await s.refusing()])
  const { status, headers, text } = await call(gateway.url)
  t.equal(status, 502)
  t.match(headers['content-type'], /^application\/json/)
  const { message, ...rest } = parseObject(text)
  t.strictSame(rest, { statusCode: 502, code: 'FL_NO_BACKEND_AVAILABLE', error: 'Bad Gateway' })
  t.match(message, /no backend of pool "default" is available/i)
  t.same(gateway.app.pool.status().backends.map(({ requests }) => requests), [0, 0])
})
