/** What a client may send at most: beyond it the answer says which limit it was, and nothing whole reaches a backend. */
import {
  afterBody, answer, answerTo, call, chunk, type Gateway, open, parseObject, type RawAnswer, type RawClient, readAll, scenario, type Scenario,
  type ScriptedOrigin, until, valuesOf
} from '../helper.ts'

const MIB = 1024 * 1024

interface Limited {
  readonly origin: ScriptedOrigin
  readonly gateway: Gateway
}

/** A gateway with this limit, before a backend that reads what it gets. */
async function limited (s: Scenario, env: Readonly<Record<string, string>>): Promise<Limited> {
  const origin = await s.scripted('a', afterBody(answer({ body: 'served' })))
  return { origin, gateway: await s.gateway([origin], { env }) }
}

/** Status, code and what becomes of the connection, as the client sees them. */
function refusal (refused: RawAnswer): string {
  const { statusCode, code, message } = parseObject(refused.body.toString())
  if (statusCode !== refused.status || typeof message !== 'string') throw new Error(`not an error of ours: ${refused.body.toString()}`)
  return `${refused.status} ${String(code)} ${valuesOf(refused, 'connection').join()}`
}

/** Sends a head of these lines, and reads the answer. */
async function ask (s: Scenario, gateway: Gateway, lines: readonly string[]): Promise<{ client: RawClient, answered: RawAnswer }> {
  const client = await s.client(gateway)
  client.send([...lines, '', ''].join('\r\n'))
  return { client, answered: await client.answer() }
}

scenario('a target longer than MAX_TARGET_BYTES: 414', async (s, t) => {
  const { origin, gateway } = await limited(s, { MAX_TARGET_BYTES: '100' })
  t.equal((await ask(s, gateway, [`GET /${'a'.repeat(99)} HTTP/1.1`, 'host: a'])).answered.status, 200)
  for (const target of [`/${'a'.repeat(100)}`, `/?${'a'.repeat(20_000)}`, `/${'a'.repeat(200_000)}`, `http://a/${'a'.repeat(92)}`]) {
    const { client, answered } = await ask(s, gateway, [`GET ${target} HTTP/1.1`, 'host: a'])
    t.equal(refusal(answered), '414 FL_TARGET_TOO_LONG close', `${target.length}`)
    t.equal(await client.ended, 'fin')
  }
  t.equal(origin.requests.length, 1)
})

scenario('a head larger than MAX_HEADER_BYTES: 431', async (s, t) => {
  const { origin, gateway } = await limited(s, { MAX_HEADER_BYTES: '2048' })
  /** The fields of a head of so many bytes, the empty line left out. */
  const lines = (bytes: number): string[] => ['host: a', `x: ${'x'.repeat(bytes - 'host: a\r\nx: \r\n'.length)}`]
  t.equal((await ask(s, gateway, ['GET / HTTP/1.1', ...lines(2_048)])).answered.status, 200)
  for (const bytes of [2_049, 8_000, 20_000, 200_000]) {
    const { client, answered } = await ask(s, gateway, ['GET / HTTP/1.1', ...lines(bytes)])
    t.equal(refusal(answered), '431 FL_HEAD_TOO_LARGE close', `${bytes}`)
    t.equal(await client.ended, 'fin')
  }
  t.equal(origin.requests.length, 1)
})

scenario('target and head have limits of their own: both at their largest are fine', async (s, t) => {
  const { gateway } = await limited(s, {})
  const target = `/${'a'.repeat(8_191)}`
  const fields = ['host: a', `x: ${'x'.repeat(16_384 - 'host: a\r\nx: \r\n'.length)}`]
  t.equal((await ask(s, gateway, [`GET ${target} HTTP/1.1`, ...fields])).answered.status, 200)
  t.equal(refusal((await ask(s, gateway, [`GET ${target}a HTTP/1.1`, ...fields])).answered), '414 FL_TARGET_TOO_LONG close')
  t.equal(refusal((await ask(s, gateway, [`GET ${target} HTTP/1.1`, ...fields, 'y: '])).answered), '431 FL_HEAD_TOO_LARGE close')
})

scenario('a head that comes in many parts has the same limit', async (s, t) => {
  const { origin, gateway } = await limited(s, { MAX_HEADER_BYTES: '2048', MAX_TARGET_BYTES: '100' })
  const client = await s.client(gateway)
  const refused = client.answer()
  client.send('GET / HTTP/1.1\r\nhost: a\r\n')
  for (let i = 0; i < 100 && client.reader.received.length === 0; i++) {
    client.send(`x-${i}: ${'x'.repeat(50)}\r\n`)
    await new Promise(setImmediate)
  }
  t.equal(refusal(await refused), '431 FL_HEAD_TOO_LARGE close')
  t.equal(origin.requests.length, 0)
})

scenario('empty lines without end in front of a request are refused, and hold up nobody', async (s, t) => {
  const { gateway } = await limited(s, { MAX_TARGET_BYTES: '100' })
  const client = await s.client(gateway)
  client.send('\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n')
  t.equal((await client.answer()).status, 200, 'a few are fine (RFC 9112, section 2.2)')
  const endless = await s.client(gateway)
  endless.send('\r\n'.repeat(MIB))
  t.equal(refusal(await endless.answer()), '400 FL_REQUEST_MALFORMED close')
  t.equal(await endless.ended, 'fin')
})

scenario('more fields than MAX_HEADERS: 431', async (s, t) => {
  const { origin, gateway } = await limited(s, { MAX_HEADERS: '8' })
  const lines = ['GET / HTTP/1.1', 'host: a', ...Array.from({ length: 7 }, (_, i) => `x-${i}: ${i}`)]
  t.equal((await ask(s, gateway, lines)).answered.status, 200)
  for (const more of [['x-7: 7'], ['connection: x'], Array.from({ length: 3_000 }, () => 'a: b')]) {
    const { client, answered } = await ask(s, gateway, [...lines, ...more])
    t.equal(refusal(answered), '431 FL_HEAD_TOO_LARGE close')
    t.equal(await client.ended, 'fin')
  }
  t.equal(origin.requests.length, 1)
})

scenario('by default 100 fields are fine, and all of them arrive', async (s, t) => {
  const { origin, gateway } = await limited(s, {})
  const lines = ['GET / HTTP/1.1', 'host: a', ...Array.from({ length: 99 }, (_, i) => `x-${i}: ${i}`)]
  t.equal((await ask(s, gateway, lines)).answered.status, 200)
  t.same(origin.requests[0]?.head.fields.filter(([name]) => /^x-\d+$/.test(name)), Array.from({ length: 99 }, (_, i) => [`x-${i}`, `${i}`]))
  t.equal((await ask(s, gateway, [...lines, 'x: 1'])).answered.status, 431)
})

scenario('a body longer than MAX_BODY_BYTES by its Content-Length: 413 before any of it is read', async (s, t) => {
  const { origin, gateway } = await limited(s, { MAX_BODY_BYTES: '1000' })
  t.equal((await call(gateway.url, { method: 'POST', body: 'x'.repeat(1_000) })).status, 200)
  for (const fields of [['content-length: 1001'], ['content-length: 9007199254740991'], ['content-length: 1001', 'expect: 100-continue']]) {
    const { client, answered } = await ask(s, gateway, ['POST / HTTP/1.1', 'host: a', ...fields])
    t.equal(refusal(answered), '413 FL_BODY_TOO_LARGE close')
    t.equal(await client.ended, 'fin')
  }
  t.equal(origin.requests.length, 1)
})

scenario('a 413 is not lost to a client that sends its body all the same', async (s, t) => {
  const { gateway } = await limited(s, { MAX_BODY_BYTES: '1000' })
  const client = await s.client(gateway)
  client.socket.pause()
  client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${16 * MIB}\r\n\r\n`)
  client.send(Buffer.alloc(16 * MIB))
  await gateway.logs.wait('request')
  client.socket.resume()
  t.equal(refusal(await client.answer()), '413 FL_BODY_TOO_LARGE close')
  t.equal(await client.ended, 'fin')
})

scenario('a chunked body is cut at MAX_BODY_BYTES: 413, and the backend never sees an end of it', async (s, t) => {
  let whole: Buffer | undefined
  const origin = await s.scripted('a', async ({ request }) => { whole = await request.body() })
  const gateway = await s.gateway([origin], { env: { MAX_BODY_BYTES: '100000' } })
  for (const more of ['', '0\r\n\r\n']) {
    const client = await s.client(gateway)
    client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('x'.repeat(90_000))}`)
    const count = gateway.logs.of('request').length
    await until('the upload has begun', () => gateway.inFlight === 1)
    client.send(`${chunk('x'.repeat(10_001))}${more}`)
    t.equal(refusal(await client.answer()), '413 FL_BODY_TOO_LARGE close')
    t.equal(await client.ended, 'fin')
    t.match((await gateway.logs.wait('request', count + 1)).at(-1), { status: 413, attempts: 1 })
    await until('its connection is closed', () => origin.connections === 0)
  }
  t.equal(whole, undefined)
  t.match(gateway.app.pool.status().backends, [{ failures: 0 }], 'the backend is not blamed')
})

scenario('a chunked body of exactly MAX_BODY_BYTES is fine, and so is any with 0', async (s, t) => {
  for (const [limit, length] of [['100000', 100_000], ['0', 5 * MIB]] as const) {
    const { origin, gateway } = await limited(s, { MAX_BODY_BYTES: limit })
    const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
    sent.end(Buffer.alloc(length))
    const response = await answerTo(sent)
    t.equal(`${response.statusCode} ${String(await readAll(response))}`, '200 served')
    t.equal((await origin.requests[0]?.body())?.length, length)
  }
})

scenario('a chunked body that is too large and comes at once reaches no backend as a whole either', async (s, t) => {
  const bodies: number[] = []
  const origin = await s.scripted('a', async (exchange) => {
    bodies.push((await exchange.request.body()).length)
    await answer()(exchange)
  })
  const gateway = await s.gateway([origin], { env: { MAX_BODY_BYTES: '1000' } })
  const client = await s.client(gateway)
  client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('x'.repeat(600)).repeat(2)}0\r\n\r\n`)
  t.equal(refusal(await client.answer()), '413 FL_BODY_TOO_LARGE close')
  await until('no connection is left', () => origin.connections === 0)
  t.same(bodies, [])
})

scenario('more trailers than MAX_HEADERS: 431, nothing whole reaches a backend, and the connection closes', async (s, t) => {
  for (const [length, waitsForBackend] of [[4, false], [100_000, true]] as const) {
    let whole: Buffer | undefined
    const origin = await s.scripted('a', async ({ request }) => { whole = await request.body() })
    const gateway = await s.gateway([origin], { env: { MAX_HEADERS: '8' } })
    const client = await s.client(gateway)
    client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('x'.repeat(length))}`)
    if (waitsForBackend) await until('the upload has begun', () => origin.requests.length === 1)
    client.send(`0\r\n${Array.from({ length: 9 }, (_, i) => `x-${i}: ${i}\r\n`).join('')}\r\nDELETE /behind HTTP/1.1\r\nhost: a\r\n\r\n`)
    t.equal(refusal(await client.answer()), '431 FL_HEAD_TOO_LARGE close')
    t.equal(await client.ended, 'fin')
    t.equal(client.reader.unread.length, 0)
    await until('its connection is closed', () => origin.connections === 0)
    t.equal(whole, undefined)
    t.notOk(origin.requests.some(({ target }) => target === '/behind'))
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }], 'the backend is not blamed')
  }
})

scenario('a connection carries MAX_REQUESTS_PER_CONNECTION requests, and the last answer says so', async (s, t) => {
  const { origin, gateway } = await limited(s, { MAX_REQUESTS_PER_CONNECTION: '3' })
  for (const isPipelined of [false, true]) {
    const client = await s.client(gateway)
    if (isPipelined) client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(5))
    const connections: string[] = []
    for (let i = 0; i < 3; i++) {
      if (!isPipelined) client.get('/')
      const answered = await client.answer()
      t.equal(answered.status, 200)
      connections.push(...valuesOf(answered, 'connection'))
    }
    t.same(connections, ['keep-alive', 'keep-alive', 'close'])
    t.equal(await client.ended, 'fin')
    t.equal(client.reader.unread.toString(), '', 'nothing comes behind it')
  }
  t.equal(origin.requests.length, 6)
})
